"""Table idempotency: what was answered to a keyed request, written with its effect."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Document, Expiry, Row


class KeyedRequest(Row):
    """response: the answer to give again; absent while the request is still under way, when
    `ref` is what it has already written and goes on from."""

    noun = "idempotency"

    key = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    response = Document(null=True)
    ref = UnicodeAttribute(null=True)
    expires_at = Expiry()
