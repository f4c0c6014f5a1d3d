"""Table idempotency: the response to each request with an Idempotency-Key.

The row is written in the same transaction as the request's effect.
"""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Document, Expiry, Row


class KeyedRequest(Row):
    """`response` is the response to replay.

    It is missing while the request is unfinished. Then `ref` is the ID of what the request has
    already created, and a retry continues from there.
    """

    noun = "idempotency"

    key = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    response = Document(null=True)
    ref = UnicodeAttribute(null=True)
    expires_at = Expiry()
