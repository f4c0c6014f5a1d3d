"""Table credentials: sessions, API keys and password links, their secrets hashed."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Expiry, Row


class CredentialsByOwner(GlobalSecondaryIndex["Credential"]):
    class Meta:
        index_name = "by-owner"
        projection = KeysOnlyProjection()

    owner = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Credential(Row):
    """id says what it is: `ses_…` a session. secret_hash: SHA-256 of the secret, in hex.

    owner: the user it speaks for. reseller_id: that user's reseller when it was issued, so
    that both rows can be read at once; the user's row has the say.
    """

    noun = "credentials"

    id = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute()
    reseller_id = UnicodeAttribute(null=True)
    secret_hash = UnicodeAttribute()
    expires_at = Expiry()

    by_owner = CredentialsByOwner()
