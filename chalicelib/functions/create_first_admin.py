"""Makes the first super admin. Invoke it from the AWS console, or by `make admin`.

The event: {"email": "you@example.com", "name": "Your Name"}. The answer holds the link that
sets the password; open it within a day. Once there is a super admin, it does nothing.
"""

from typing import Any

from chalice.app import Blueprint

from chalicelib.observability import invocation, request_id_of

blueprint = Blueprint(__name__)

LONGEST_NAME = 200


@blueprint.lambda_function(name="create-first-admin")
def create_first_admin(event: dict[str, Any], context: object) -> dict[str, Any]:
    with invocation("First admin", request_id_of(context)) as line:
        return _create(event, line)


def _create(event: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    from chalicelib.domain.names import clean_text, fold_email
    from chalicelib.errors import TenantryError
    from chalicelib.services.identity import first_admin

    email = str(event.get("email", "")).strip()
    try:
        made = first_admin.create_first_admin(
            email=fold_email(_valid(email)),
            name=clean_text(str(event.get("name") or "Administrator")[:LONGEST_NAME]),
        )
    except (TenantryError, ValueError) as error:
        line["refused"] = type(error).__name__
        return {"error": str(error)}
    line["user_id"] = made.user.id
    return {
        "user_id": made.user.id,
        "set_your_password_at": made.link,
        "note": "The link works once, within 24 hours. Invoke again for a fresh one.",
    }


def _valid(email: str) -> str:
    """Raises ValueError."""
    from email_validator import validate_email

    return validate_email(email, check_deliverability=False).normalized
