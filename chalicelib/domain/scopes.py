"""Scopes: which routes an API key may call."""

from enum import StrEnum


class Scope(StrEnum):
    """The scope an API key needs. SESSION means that no key is accepted: a user must sign in."""

    READ = "read"
    TENANTS = "tenants"
    PURCHASES = "purchases"
    BRANDING = "branding"
    ADMIN = "admin"
    SESSION = "session"


# The scopes that a key can have.
KEY_SCOPES = tuple(scope for scope in Scope if scope is not Scope.SESSION)
