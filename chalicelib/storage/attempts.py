"""Table attempts: failed attempts per account, IP address, and mailbox, for rate limits."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Expiry, Integer, Row, Timestamp


class Attempts(Row):
    """`failures` counts attempts that failed or whose outcome is not known yet.

    The count is forgotten at `expires_at`.
    """

    noun = "attempts"

    key = UnicodeAttribute(hash_key=True)
    failures = Integer(default=0)
    locked_until = Timestamp(null=True)
    expires_at = Expiry()
