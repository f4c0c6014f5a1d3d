"""Password rules of OWASP ASVS 5.0, section 6.2: length, and nothing easily guessed."""

from collections.abc import Container

LENGTH = range(8, 129)
# What the standard recommends, and the pages with it.
BETTER_LENGTH = 15
# What comes to mind here first; refused alone or with digits and signs about it.
CONTEXT_WORDS = frozenset(
    {"tenantry", "reseller", "resellers", "license", "licenses", "tenant", "tenants"}
    | {"administrator", "superadmin", "tenantryadmin", "adminadmin", "welcome", "changeme"}
)


def check_length(password: str) -> str:
    """The password itself. Raises ValueError."""
    if len(password) not in LENGTH:
        raise ValueError(f"Use {LENGTH.start} to {LENGTH[-1]} characters.")
    return password


def check_password(password: str, *, email: str, common: Container[str] = ()) -> str:
    """The password itself, exactly as it was sent. Raises ValueError with the rule it breaks.

    common: passwords that everyone tries first, in lower case.
    """
    check_length(password)
    if email.lower() in password.lower():
        raise ValueError("The password must not contain the email address.")
    if "".join(filter(str.isalpha, password.lower())) in CONTEXT_WORDS:
        raise ValueError("This password is a word of this service. Choose another.")
    if password.lower() in common:
        raise ValueError("This password is among the most common ones. Choose another.")
    return password
