"""Table outbox: queued email. Each row is written in the same transaction as what it reports."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.reads import batch_get, iterate_index
from chalicelib.storage.rows import Document, Expiry, Integer, Row, Timestamp

DUE = "due"
BATCH = 25


class MailTemplate(StrEnum):
    """The mails that this release sends: each is a pair of templates in web/templates/mail/.

    `functions/mails.py` says how each of them is completed.
    """

    SET_PASSWORD = "set_password"  # noqa: S105 - a template
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a template
    LICENSES_LOW = "licenses_low"
    LICENSES_NONE = "licenses_none"
    LICENSES_REVOKED = "licenses_revoked"
    PURCHASE_PAID = "purchase_paid"
    RESELLER_DEACTIVATED = "reseller_deactivated"
    RESELLER_REACTIVATED = "reseller_reactivated"
    DOMAIN_FAILING = "domain_failing"
    DOMAIN_SUSPENDED = "domain_suspended"


class DueMail(GlobalSecondaryIndex["Mail"]):
    """Email that still has to be sent, most overdue first. Sent email is removed from the index."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due = UnicodeAttribute(hash_key=True)
    due_at = Timestamp(range_key=True)


class Mail(Row):
    """An email. `template` is a MailTemplate or a later release's, and `context` holds its values.

    `user_id` is the user it is for. Without one, it is for the user who has the address `to` when
    it is sent. `to` is the address at the time of queueing, and then the one it was sent to.
    `due` and `due_at` are removed when the email is sent or given up on.
    `attempts` counts the attempts that were started, and `last_error` is why the last one failed.
    The row is kept until `expires_at`, so that an admin can read it.
    """

    noun = "outbox"

    id = UnicodeAttribute(hash_key=True)
    to = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)
    template = UnicodeAttribute()
    context = Document()
    due = UnicodeAttribute(null=True)
    due_at = Timestamp(null=True)
    attempts = Integer(default=0)
    last_error = UnicodeAttribute(null=True)
    sent_at = Timestamp(null=True)
    given_up_at = Timestamp(null=True)
    expires_at = Expiry()

    due_index = DueMail()


def due_mail(now: datetime) -> Iterator[Mail]:
    """Yield the email that is due, most overdue first, with a few in memory at a time."""
    batch: list[Mail] = []
    for keys in iterate_index(Mail.due_index, DUE, Mail.due_at <= now, page_size=BATCH):
        batch.append(keys)
        if len(batch) == BATCH:
            yield from batch_get(Mail, batch)
            batch = []
    yield from batch_get(Mail, batch)
