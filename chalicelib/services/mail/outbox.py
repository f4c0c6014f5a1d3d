"""Outbox: a mail is queued in the transaction that causes it, and a scheduled function sends it.

This way, no mail is lost, no mail is sent for a change that did not happen, and a mail that cannot
be sent never makes the operation fail. Each mail is delivered at least once: the next retry is
scheduled before each attempt, so a crash can cause a duplicate mail but never a lost one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib import clock
from chalicelib.errors import TenantryError, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.settings import settings
from chalicelib.storage.outbox import DUE, Mail
from chalicelib.storage.reads import batch_get
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction

if TYPE_CHECKING:
    from email.message import EmailMessage

RETENTION = timedelta(days=30)
FIRST_RETRY_DELAY = timedelta(minutes=1)
MAX_RETRY_DELAY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
NOT_SENT_IN_TIME = "It was not sent within a day."
BATCH = 25
# Enough time for one SES call to time out.
SPARE_SECONDS = 8.0

CONTEXT_BUILDERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Maps a template to a function that completes its stored context just before sending. The function
adds values that must not be stored, such as a password link's secret."""


class NoRecipient(Exception):
    """Raised by a context builder if the mail no longer has a recipient and must be dropped."""


@dataclass
class SendReport:
    sent: int = 0
    failed: int = 0
    given_up: int = 0


def queue_mail(tx: Transaction, *, to: str, template: str, context: dict[str, Any]) -> None:
    """Add a mail to `tx`, the transaction that makes the change it reports."""
    tx.put_commit_marker(
        Mail(
            new_id("mai"),
            to=to,
            template=template,
            context=context,
            due=DUE,
            due_at=tx.now,
            expires_at=tx.now + RETENTION,
        )
    )


def send_due(seconds_left: Callable[[], float] = lambda: 60.0) -> SendReport:
    """Send due mail until none is left or time runs out. A failed mail doesn't stop the rest."""
    report = SendReport()
    if settings().mail_from is None:
        logger.warning("MAIL_FROM is not set; mail stays in the outbox")
        return report
    for mail in _due():
        if seconds_left() < SPARE_SECONDS:
            break
        _attempt(mail, report)
    return report


def _due() -> Iterator[Mail]:
    now = clock.now()
    batch: list[Mail] = []
    for keys in Mail.due_index.query(DUE, Mail.due_at <= now, page_size=BATCH):
        batch.append(keys)
        if len(batch) == BATCH:
            yield from batch_get(Mail, batch)
            batch = []
    yield from batch_get(Mail, batch)


def _attempt(mail: Mail, report: SendReport) -> None:
    if _is_too_late(mail):
        _give_up(mail, mail.last_error or NOT_SENT_IN_TIME, report)
        return
    if not _claim_attempt(mail):
        return
    try:
        _send(mail)
    except NoRecipient:
        logger.info("Mail dropped: it no longer has a recipient", extra={"mail_id": mail.id})
        _drop(mail)
    except Exception as error:
        logger.exception("Mail could not be sent", extra={"mail_id": mail.id, "to": mail.to})
        _record_failure(mail, error, report)
    else:
        _update_mail(mail, due=None, due_at=None, sent_at=clock.now(), last_error=None)
        report.sent += 1
        count("MailSent")


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
        count("MailGivenUp")


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
    count("MailFailed")
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


def _send(mail: Mail) -> None:
    from chalicelib.services.mail.compose import compose

    build_context = CONTEXT_BUILDERS.get(mail.template)
    context = build_context(mail.context) if build_context else mail.context
    message = compose(mail.template, context, to=mail.to, mail_id=mail.id)
    _send_with_ses(message)


def _send_with_ses(message: "EmailMessage") -> None:
    _ses_client().send_email(
        FromEmailAddress=settings().mail_from,
        Destination={"ToAddresses": [message["To"]]},
        Content={"Raw": {"Data": message.as_bytes()}},
    )


@cache
def _ses_client() -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    limits = Config(connect_timeout=1, read_timeout=3, retries={"max_attempts": 1})
    return get_session().create_client("sesv2", config=limits)
