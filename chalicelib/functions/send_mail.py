"""Scheduled function that sends all outbox mail that is due."""

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import invocation, request_id_of

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="send-mail")
def send_mail(event: CloudWatchEvent) -> dict[str, object]:
    with invocation("Mail", request_id_of(event.context)) as line:
        from chalicelib.functions.mails import MAILS
        from chalicelib.services.mail.outbox import send_due

        report = vars(send_due(MAILS, seconds_left(event.context)))
        line |= report
        return report
