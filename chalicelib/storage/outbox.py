"""Table outbox: mail that was decided on, each row written with the effect that it tells of."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Expiry, Integer, Row, Timestamp

DUE = "due"


class DueMail(GlobalSecondaryIndex["Mail"]):
    """What is still to be sent, the most overdue first; sent mail leaves it."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due = UnicodeAttribute(hash_key=True)
    due_at = Timestamp(range_key=True)


class Mail(Row):
    """template: its name under web/templates/mail/. context: what it is filled with.

    due, due_at: absent once it is sent or given up. attempts: how often sending began;
    last_error: why the last one failed. expires_at: kept until then for a person to read.
    """

    noun = "outbox"

    id = UnicodeAttribute(hash_key=True)
    to = UnicodeAttribute()
    template = UnicodeAttribute()
    context = Document()
    due = UnicodeAttribute(null=True)
    due_at = Timestamp(null=True)
    attempts = Integer(default_for_new=0)
    last_error = UnicodeAttribute(null=True)
    sent_at = Timestamp(null=True)
    given_up_at = Timestamp(null=True)
    expires_at = Expiry()

    due_index = DueMail()
