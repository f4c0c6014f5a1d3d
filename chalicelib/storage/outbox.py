"""Table outbox: queued email. Each row is written in the same transaction as what it reports."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Expiry, Integer, Row, Timestamp

DUE = "due"


class DueMail(GlobalSecondaryIndex["Mail"]):
    """Email that still has to be sent, most overdue first. Sent email is removed from the index."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due = UnicodeAttribute(hash_key=True)
    due_at = Timestamp(range_key=True)


class Mail(Row):
    """An email. `template` is a name in web/templates/mail/, and `context` holds its values.

    `due` and `due_at` are removed when the email is sent or given up on.
    `attempts` counts the attempts that were started, and `last_error` is why the last one failed.
    The row is kept until `expires_at`, so that an admin can read it.
    """

    noun = "outbox"

    id = UnicodeAttribute(hash_key=True)
    to = UnicodeAttribute()
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
