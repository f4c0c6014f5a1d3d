"""Mail: queued in the transaction of what it tells of, sent soon after by the schedule.

So a mail is neither lost nor sent for what did not happen, and a mail that cannot be sent
never fails the operation. Sending is at least once: the next attempt is put down before one
begins, so that a crash in between costs a second mail at worst, never a lost one.
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

KEPT = timedelta(days=30)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
NOT_SENT = "It was not sent within a day."
BATCH = 25
# Enough for one attempt at SES that runs into its timeouts.
SPARE_SECONDS = 8.0

PREPARE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""By template: what makes, at the moment of sending, that part of the context which must not
be at rest (a password link's secret). Given the stored context, returns the whole one."""


class NoRecipient(Exception):
    """Raised by a PREPARE function: there is nobody to send it to. It is dropped."""


@dataclass
class SendReport:
    sent: int = 0
    failed: int = 0
    given_up: int = 0


def queue_mail(tx: Transaction, *, to: str, template: str, context: dict[str, Any]) -> None:
    """Add a mail to the transaction of the effect that it tells of."""
    tx.witness(
        Mail(
            new_id("mai"),
            to=to,
            template=template,
            context=context,
            due=DUE,
            due_at=tx.now,
            expires_at=tx.now + KEPT,
        )
    )


def send_due(seconds_left: Callable[[], float] = lambda: 60.0) -> SendReport:
    """Send what is due, until nothing is or the time is up. One failure stops no other mail."""
    report = SendReport()
    if settings().mail_from is None:
        logger.warning("MAIL_FROM is not set: mail stays in the outbox")
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
        _give_up(mail, mail.last_error or NOT_SENT, report)
        return
    if not _claim_attempt(mail):
        return
    try:
        _send(mail)
    except NoRecipient:
        logger.info("A mail was dropped: nobody to send it to", extra={"mail_id": mail.id})
        _drop(mail)
    except Exception as error:
        logger.exception("A mail was not sent", extra={"mail_id": mail.id, "to": mail.to})
        _failed(mail, error, report)
    else:
        _update_mail(mail, due=None, due_at=None, sent_at=clock.now(), last_error=None)
        report.sent += 1
        count("MailSent")


def _is_too_late(mail: Mail) -> bool:
    """Whether it comes too late, after so many failures or before the first attempt: a mail
    that was queued weeks before MAIL_FROM was set would only confuse. One that was given up
    and is due again is wanted by a person."""
    return _is_old(mail) and mail.due is not None and mail.given_up_at is None


def _is_old(mail: Mail) -> bool:
    return clock.now() - mail.created_at > GIVE_UP_AFTER


def _give_up(mail: Mail, reason: str, report: SendReport) -> None:
    if _update_mail(mail, due=None, due_at=None, given_up_at=clock.now(), last_error=reason):
        report.given_up += 1
        count("MailGivenUp")


def _claim_attempt(mail: Mail) -> bool:
    """Put down the next attempt. False where another sender was first, or it is sent."""
    now = clock.now()
    if mail.due is None or mail.due_at is None or mail.due_at > now:
        return False
    pause = min(FIRST_PAUSE * 2 ** min(mail.attempts, 10), LONGEST_PAUSE)
    return _update_mail(mail, attempts=mail.attempts + 1, due_at=now + pause)


def _failed(mail: Mail, error: Exception, report: SendReport) -> None:
    report.failed += 1
    count("MailFailed")
    reason = f"{type(error).__name__}: {error}"[:500]
    if _is_old(mail):
        _give_up(mail, reason, report)
    else:
        _update_mail(mail, last_error=reason)


def _drop(mail: Mail) -> None:
    tx = Transaction()
    tx.delete(mail, condition=Mail.version == mail.version, otherwise=VersionConflict())
    try:
        tx.commit()
    except TenantryError:
        logger.exception("A mail was not dropped", extra={"mail_id": mail.id})


def _update_mail(mail: Mail, **columns: Any) -> bool:
    tx = Transaction()
    tx.change(mail, **columns)
    try:
        tx.commit()
    except VersionConflict:
        return False
    except TenantryError:  # busy: what happened is in the log, the next attempt is put down
        logger.exception("A mail's record was not written", extra={"mail_id": mail.id})
        return False
    return True


def _send(mail: Mail) -> None:
    from chalicelib.services.mail.compose import compose

    prepare = PREPARE.get(mail.template)
    context = prepare(mail.context) if prepare else mail.context
    message = compose(mail.template, context, to=mail.to, mail_id=mail.id)
    _ses_send(message)


def _ses_send(message: "EmailMessage") -> None:
    _ses().send_email(
        FromEmailAddress=settings().mail_from,
        Destination={"ToAddresses": [message["To"]]},
        Content={"Raw": {"Data": message.as_bytes()}},
    )


@cache
def _ses() -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    limits = Config(connect_timeout=1, read_timeout=3, retries={"max_attempts": 1})
    return get_session().create_client("sesv2", config=limits)
