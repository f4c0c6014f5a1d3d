"""Scheduled function that re-checks each verified domain's DNS record once a day."""

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import invocation, request_id_of

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.HOURS), name="check-domains")
def check_domains(event: CloudWatchEvent) -> dict[str, object]:
    with invocation("Domains", request_id_of(event.context)) as line:
        from chalicelib.services.domains.recheck import check_due_domains

        report = vars(check_due_domains(seconds_left(event.context)))
        line |= report
        return report
