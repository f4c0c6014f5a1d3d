"""Outbox: a mail is queued in the transaction that causes it, and a scheduled function sends it.

This way, no mail is lost, no mail is sent for a change that did not happen, and a mail that cannot
be sent never makes the operation fail. Each mail is delivered at least once: the next retry is
scheduled before each attempt, so a crash can cause a duplicate mail but never a lost one.

Every mail is for a user. Whether that user still gets it is decided when it is sent: only an active
user does, at the address that the user has by then. A reseller's mails go to its user, whether or
not the reseller itself is active.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib import clock
from chalicelib.errors import TenantryError, VersionConflict
from chalicelib.observability import Metric, count, logger
from chalicelib.settings import settings
from chalicelib.storage.claims import owner_of
from chalicelib.storage.outbox import DUE, Mail, MailTemplate, due_mail
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

if TYPE_CHECKING:
    from email.message import EmailMessage

RETENTION = timedelta(days=30)
FIRST_RETRY_DELAY = timedelta(minutes=1)
MAX_RETRY_DELAY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
NOT_SENT_IN_TIME = "It was not sent within a day."
# Enough time for one SES call to time out.
SPARE_SECONDS = 8.0

Completion = Callable[[User], dict[str, object]]
"""Returns values to add to a mail's stored context just before it is sent to the user, because they
must not be stored, such as a password link's secret."""

Mails = Mapping[MailTemplate, Completion]
"""Every mail that this release can send."""


class UnknownTemplate(Exception):
    """Only a later release has this template.

    The mail is attempted again until it is given up, so that release can still send it."""


@dataclass
class SendReport:
    sent: int = 0
    failed: int = 0
    given_up: int = 0


def queue_mail(
    tx: Transaction, user: User, template: MailTemplate, context: Mapping[str, object]
) -> None:
    """Add a mail for a user to `tx`, the transaction that makes the change it reports."""
    _queue(tx, user.email, user.id, template, context)


def queue_mail_to_address(
    tx: Transaction, address: str, template: MailTemplate, context: Mapping[str, object]
) -> None:
    """Add a mail for whichever user has this address when the mail is sent, if any, to `tx`."""
    _queue(tx, address, None, template, context)


def queue_notice(
    tx: Transaction, reseller: Reseller, template: MailTemplate, context: Mapping[str, object]
) -> None:
    """Add a mail for the reseller's user to `tx`. Does nothing if the reseller has no user."""
    user = get(User, reseller.user_id) if reseller.user_id else None
    if user is None:
        logger.warning(
            "Notice not queued: the reseller has no user",
            extra={"reseller_id": reseller.id, "template": template},
        )
        return
    queue_mail(tx, user, template, {"company_name": reseller.company_name, **context})


def _queue(
    tx: Transaction,
    to: str,
    user_id: str | None,
    template: MailTemplate,
    context: Mapping[str, object],
) -> None:
    tx.put_commit_marker(
        Mail(
            new_id("mai"),
            to=to,
            user_id=user_id,
            template=template,
            context=context,
            due=DUE,
            due_at=tx.now,
            expires_at=tx.now + RETENTION,
        )
    )


def send_due(mails: Mails, seconds_left: Callable[[], float] = lambda: 60.0) -> SendReport:
    """Send due mail until none is left or time runs out. A failed mail doesn't stop the rest."""
    report = SendReport()
    if settings().mail_from is None:
        logger.warning("MAIL_FROM is not set; mail stays in the outbox")
        return report
    for mail in due_mail(clock.now()):
        if seconds_left() < SPARE_SECONDS:
            break
        _attempt(mail, mails, report)
    return report


def _attempt(mail: Mail, mails: Mails, report: SendReport) -> None:
    if _is_too_late(mail):
        _give_up(mail, mail.last_error or NOT_SENT_IN_TIME, report)
        return
    if not _claim_attempt(mail):
        return
    try:
        sent_to = _send(mail, mails)
    except Exception as error:
        logger.exception("Mail could not be sent", extra={"mail_id": mail.id, "to": mail.to})
        _record_failure(mail, error, report)
        return
    if sent_to is None:
        logger.info("Mail dropped: it no longer has a recipient", extra={"mail_id": mail.id})
        _drop(mail)
        return
    _update_mail(mail, to=sent_to, due=None, due_at=None, sent_at=clock.now(), last_error=None)
    report.sent += 1
    count(Metric.MAIL_SENT)


def _is_too_late(mail: Mail) -> bool:
    """Return whether the mail is too old to send.

    This includes mail that was never attempted: a mail queued weeks before MAIL_FROM was set
    would only confuse its recipient. A mail that was given up but is due again is still sent, since
    someone has requeued it.
    """
    return _is_past_deadline(mail) and mail.due is not None and mail.given_up_at is None


def _is_past_deadline(mail: Mail) -> bool:
    return clock.now() - mail.created_at > GIVE_UP_AFTER


def _give_up(mail: Mail, reason: str, report: SendReport) -> None:
    if _update_mail(mail, due=None, due_at=None, given_up_at=clock.now(), last_error=reason):
        report.given_up += 1
        count(Metric.MAIL_GIVEN_UP)


def _claim_attempt(mail: Mail) -> bool:
    """Schedule the next retry before sending.

    Return False if the mail is no longer due or another sender claimed it first.
    """
    now = clock.now()
    if mail.due is None or mail.due_at is None or mail.due_at > now:
        return False
    delay = min(FIRST_RETRY_DELAY * 2 ** min(mail.attempts, 10), MAX_RETRY_DELAY)
    return _update_mail(mail, attempts=mail.attempts + 1, due_at=now + delay)


def _record_failure(mail: Mail, error: Exception, report: SendReport) -> None:
    report.failed += 1
    count(Metric.MAIL_FAILED)
    reason = f"{type(error).__name__}: {error}"[:500]
    if _is_past_deadline(mail):
        _give_up(mail, reason, report)
    else:
        _update_mail(mail, last_error=reason)


def _drop(mail: Mail) -> None:
    tx = Transaction()
    tx.delete(mail, condition=mail.unchanged(), otherwise=VersionConflict())
    try:
        tx.commit()
    except TenantryError:
        logger.exception("Mail could not be dropped", extra={"mail_id": mail.id})


def _update_mail(mail: Mail, **columns: object) -> bool:
    tx = Transaction()
    tx.change(mail, columns)
    try:
        tx.commit()
    except VersionConflict:
        return False
    except TenantryError:  # busy; the error is logged, and the retry is already scheduled
        logger.exception("Mail row could not be updated", extra={"mail_id": mail.id})
        return False
    return True


def _send(mail: Mail, mails: Mails) -> str | None:
    """Send the mail and return the address it was sent to, or None if it has no recipient."""
    from chalicelib.services.mail.compose import compose

    template = next((one for one in mails if one == mail.template), None)
    if template is None:
        raise UnknownTemplate(mail.template)
    user = _recipient(mail)
    if user is None:
        return None
    context = {**mail.context, **mails[template](user)}
    _send_with_ses(compose(template, context, to=user.email, mail_id=mail.id))
    return user.email


def _recipient(mail: Mail) -> User | None:
    """Return the user whom the mail is for, or None if the user is gone or not active.

    Mail queued before the column `user_id` existed is for the user who has its address.
    """
    user_id = mail.user_id or owner_of(email_claim(mail.to))
    user = get(User, user_id) if user_id else None
    return user if user is not None and user.is_active else None


def _send_with_ses(message: "EmailMessage") -> None:
    _ses_client().send_email(
        FromEmailAddress=settings().mail_from,
        Destination={"ToAddresses": [message["To"]]},
        Content={"Raw": {"Data": message.as_bytes()}},
    )


@cache
def _ses_client() -> Any:  # Any: botocore creates its clients at run time
    from botocore.config import Config
    from botocore.session import get_session

    limits = Config(connect_timeout=1, read_timeout=3, retries={"max_attempts": 1})
    return get_session().create_client("sesv2", config=limits)
