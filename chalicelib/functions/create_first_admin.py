"""Create the first super admin. Invoke this function from the AWS console or with `make admin`.

The event is {"email": "you@example.com", "name": "Your Name"}. The response contains a link for
setting the password, valid for one day. If the function is invoked again for the same email before
the password is set, it returns a new link. In all other cases, it refuses once a super admin
exists.
"""

from chalice.app import Blueprint

from chalicelib.observability import invocation, request_id_of

blueprint = Blueprint(__name__)

MAX_NAME_LENGTH = 200


@blueprint.lambda_function(name="create-first-admin")
def create_first_admin(event: dict[str, object], context: object) -> dict[str, object]:
    with invocation("First admin", request_id_of(context)) as line:
        return _create(event, line)


def _create(event: dict[str, object], line: dict[str, object]) -> dict[str, object]:
    from chalicelib.domain.names import clean_text, fold_email
    from chalicelib.errors import TenantryError
    from chalicelib.services.identity import first_admin

    email = str(event.get("email", "")).strip()
    try:
        made = first_admin.create_first_admin(
            email=fold_email(_validate(email)),
            name=clean_text(str(event.get("name") or "Administrator")[:MAX_NAME_LENGTH]),
        )
    except (TenantryError, ValueError) as error:
        line["refused"] = type(error).__name__
        return {"error": str(error)}
    line["user_id"] = made.user.id
    return {
        "user_id": made.user.id,
        "set_your_password_at": made.link,
        "note": "The link works once, within 24 hours. Invoke this function again for a new one.",
    }


def _validate(email: str) -> str:
    """Return the normalized address. Raises ValueError."""
    from email_validator import validate_email

    return validate_email(email, check_deliverability=False).normalized
