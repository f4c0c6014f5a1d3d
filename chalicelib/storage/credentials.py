"""Table credentials: sessions, API keys and password links, their secrets hashed."""

from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Expiry, Row, Texts, Timestamp


class Kind(StrEnum):
    """What a credential is: the prefix of its id."""

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
    """secret_hash: SHA-256 of the secret, in hex. owner: the user it speaks for.

    reseller_id: of a session, that user's reseller when it began, so that both rows can be
    read at once; of a reseller's key, the one account that it is for.
    expires_at: never for some API keys. used_at: to some minutes.
    authenticated_at: when the session's user last proved to know the password.
    email: the address that a password link was sent to.
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
    scopes = Texts(null=True)
    email = UnicodeAttribute(null=True)

    by_owner = CredentialsByOwner()

    @property
    def kind(self) -> Kind:
        return Kind(self.id.partition("_")[0])

    @property
    def is_key(self) -> bool:
        return self.kind in (Kind.RESELLER_KEY, Kind.ADMIN_KEY)
