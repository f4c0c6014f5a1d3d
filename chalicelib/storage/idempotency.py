"""Table idempotency: the response to each request with an Idempotency-Key.

The row is written in the same transaction as the request's changes.
"""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Document, Expiry, Row


class KeyedRequest(Row):
    """A request with an Idempotency-Key.

    `response` is the response to replay. It is missing while the request is unfinished; during that
    time, `ref` is the ID of what the request has already created, so that a retry can continue from
    there.
    """

    noun = "idempotency"

    key = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    response = Document(null=True)
    ref = UnicodeAttribute(null=True)
    expires_at = Expiry()
