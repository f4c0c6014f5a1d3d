"""Table credentials: sessions, API keys, and password links. Their secrets are hashed."""

from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Expiry, Row, StringList, Timestamp


class Kind(StrEnum):
    """A credential's kind, which is also the prefix of its ID."""

    SESSION = "ses"
    RESELLER_KEY = "key"
    ADMIN_KEY = "adk"
    PASSWORD_LINK = "lnk"  # noqa: S105 - a prefix


class CredentialsByOwner(GlobalSecondaryIndex["Credential"]):
    class Meta:
        index_name = "by-owner"
        projection = KeysOnlyProjection()

    owner = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Credential(Row):
    """A secret that authenticates a user.

    `secret_hash` is the SHA-256 of the secret, in hex. `owner` is the user it belongs to.
    For a reseller's API key, `reseller_id` is the only account the key can access. For a session,
    it is the user's account at sign-in, so that both rows can be read in one round trip.
    `expires_at` is missing on API keys that never expire. `used_at` can lag by a few minutes.
    `authenticated_at` is when the session's user last entered their password.
    `email` is the address that a password link was sent to.
    """

    noun = "credentials"

    id = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute()
    reseller_id = UnicodeAttribute(null=True)
    secret_hash = UnicodeAttribute()
    expires_at = Expiry(null=True)
    used_at = Timestamp(null=True)
    authenticated_at = Timestamp(null=True)
    source_ip = UnicodeAttribute(null=True)
    user_agent = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    scopes = StringList(null=True)
    email = UnicodeAttribute(null=True)

    by_owner = CredentialsByOwner()

    @property
    def kind(self) -> str:
        """A `Kind`, or the prefix of a kind this release doesn't know."""
        prefix: str = self.id.partition("_")[0]
        return prefix

    @property
    def is_key(self) -> bool:
        return self.kind in (Kind.RESELLER_KEY, Kind.ADMIN_KEY)
