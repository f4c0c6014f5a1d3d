"""Table attempts: how often something was tried in vain, by account and by address."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Expiry, Integer, Row, Timestamp


class Attempts(Row):
    """failures: tries that did not succeed, or not yet. expires_at: then they are forgotten."""

    noun = "attempts"

    key = UnicodeAttribute(hash_key=True)
    failures = Integer(default_for_new=0)
    locked_until = Timestamp(null=True)
    expires_at = Expiry()
