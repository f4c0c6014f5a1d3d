"""Password rules from OWASP ASVS 5.0, section 6.2: minimum length, and no guessable passwords."""

from collections.abc import Container

LENGTH = range(8, 129)
# The minimum length that the standard recommends. Our pages recommend it, too.
BETTER_LENGTH = 15
# Words that an attacker would try first on this service. A password is refused if its letters spell
# one of these words, whatever digits and symbols are added.
CONTEXT_WORDS = frozenset(
    {"tenantry", "reseller", "resellers", "license", "licenses", "tenant", "tenants"}
    | {"administrator", "superadmin", "tenantryadmin", "adminadmin", "welcome", "changeme"}
)


def check_length(password: str) -> str:
    """Return the password unchanged, or raise ValueError if it is too short or too long."""
    if len(password) not in LENGTH:
        raise ValueError(f"Use {LENGTH.start} to {LENGTH[-1]} characters.")
    return password


def check_password(password: str, *, email: str, common: Container[str] = ()) -> str:
    """Return the password unchanged, or raise ValueError naming the rule it breaks.

    `common` holds the most common passwords, in lowercase.
    """
    check_length(password)
    if email.lower() in password.lower():
        raise ValueError("The password must not contain your email address.")
    if "".join(filter(str.isalpha, password.lower())) in CONTEXT_WORDS:
        raise ValueError("This password is too easy to guess. Choose another one.")
    if password.lower() in common:
        raise ValueError("This password is one of the most common ones. Choose another one.")
    return password
