"""Table users: people who sign in."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Row, Timestamp


class UserDirectory(GlobalSecondaryIndex["User"]):
    """All users by email address.

    Projects only keys, so other changes to a user don't write to this index.
    """

    class Meta:
        index_name = "directory"
        projection = KeysOnlyProjection()

    directory = UnicodeAttribute(hash_key=True)
    email = UnicodeAttribute(range_key=True)


class User(Row):
    """A person who signs in.

    `reseller_id` is the reseller account that is linked to this user, if any.
    Sessions and password links from before `sessions_since` are void, because the password was
    changed or the user was signed out everywhere.
    `deactivated_at` is when the user was last deactivated. Every credential from before that time
    is void, even once the user is active again. `demoted_at` is when the user last lost the super
    admin role, which voids the user's admin keys in the same way.
    """

    noun = "users"

    id = UnicodeAttribute(hash_key=True)
    email = UnicodeAttribute()
    name = UnicodeAttribute()
    password_hash = UnicodeAttribute(null=True)
    sessions_since = Timestamp(null=True)
    is_super_admin = BooleanAttribute(default=False)
    is_active = BooleanAttribute(default=True)
    deactivated_at = Timestamp(null=True)
    demoted_at = Timestamp(null=True)
    reseller_id = UnicodeAttribute(null=True)
    directory = UnicodeAttribute(default="users")

    by_email = UserDirectory()

    @property
    def has_password(self) -> bool:
        return self.password_hash is not None


def email_claim(email: str) -> str:
    return f"email:{email}"
