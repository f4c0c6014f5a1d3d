"""Password rules of OWASP ASVS 5.0, section 6.2: length, and nothing easily guessed."""

LENGTH = range(8, 129)


def check_password(password: str, *, email: str) -> str:
    """The password itself. Raises ValueError with the rule it breaks."""
    if len(password) not in LENGTH:
        raise ValueError("Use 8 to 128 characters.")
    if email.lower() in password.lower():
        raise ValueError("The password must not contain the email address.")
    return password
