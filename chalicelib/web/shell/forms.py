"""Submitted forms: their fields as typed, and as parsed into the API's models."""

from typing import Any, TypeVar, get_args
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.errors import (
    DomainTaken,
    EmailTaken,
    InvalidRequest,
    LicenseCountBelowUsed,
    SlugTaken,
    TenantryError,
    VersionConflict,
)
from chalicelib.http.requests import error_message, field_errors, raw_body

M = TypeVar("M", bound=BaseModel)

MAX_FIELDS = 500
CHANGED_MEANWHILE = (
    "Somebody changed this after you opened it. What you typed is kept below; saving again puts "
    "it in the place of theirs."
)
# The form field responsible for each of these domain errors.
FIELD_OF_ERROR: dict[type[TenantryError], str] = {
    SlugTaken: "slug",
    EmailTaken: "email",
    DomainTaken: "host",
    LicenseCountBelowUsed: "license_count",
}
# Pydantic's messages are written for programmers. Pages say these instead, by the error's type. The
# fields are the limits that the error names.
FRIENDLY_MESSAGES: dict[str, str] = {
    "missing": "Please fill this in.",
    "greater_than_equal": "{ge} or more, please.",
    "less_than_equal": "{le} at most, please.",
    "string_too_short": "{min_length} characters at least.",
    "string_too_long": "{max_length} characters at most.",
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"),
        "A whole number, please.",
    ),
    **dict.fromkeys(
        (
            *("date_type", "date_parsing", "date_from_datetime_parsing"),
            *("datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        ),
        "A date, please.",
    ),
}
# The same for a text or a list that must not be empty.
IF_EMPTY = {"string_too_short": "Please fill this in.", "too_short": "Choose at least one."}


class Form:
    """One submitted form. `typed` holds each field's last value, for refilling the form."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._all = fields
        self.typed = {name: values[-1] for name, values in self._all.items()}

    @classmethod
    def from_body(cls, request: Any) -> "Form":
        """Parse the body of a POST. Raises PayloadTooLarge or InvalidRequest."""
        try:
            body = raw_body(request).decode()
            return cls(parse_qs(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise InvalidRequest.of("body", "The form could not be read.") from None

    @classmethod
    def from_query(cls, request: Any) -> "Form":
        """Parse the query of a GET."""
        query = request.query_params
        return cls({name: query.getlist(name) for name in query or ()})

    def get(self, name: str) -> str:
        """Return a field's value, or an empty string. All values except passwords are stripped."""
        typed = self.typed.get(name, "")
        return typed if "password" in name else typed.strip()

    def get_all(self, name: str) -> list[str]:
        """Return all values of a repeated field, stripped."""
        return [value.strip() for value in self._all.get(name, [])]

    def read(self, model: type[M], **extra: Any) -> M:
        """Parse the model's fields from the form, omitting empty ones. Raises InvalidRequest.

        `extra` holds values that are not single strings: checkboxes and repeated fields.
        """
        data: dict[str, Any] = {
            name: self.get(name) for name in model.model_fields if self.get(name)
        }
        try:
            return model.model_validate(data | extra, strict=False)
        except ValidationError as error:
            raise InvalidRequest(field_errors(error, "", _friendly_message)) from None

    def read_all(self, model: type[M]) -> M:
        """Parse an edit form that includes every field in the model. Raises InvalidRequest.

        An empty field clears the value if the field accepts null, and is invalid otherwise.
        """
        empty = {
            name: None if type(None) in get_args(field.annotation) else ""
            for name, field in model.model_fields.items()
        }
        return self.read(model, **{name: self.get(name) or empty[name] for name in empty})

    def content(self) -> str:
        """Return all fields except the CSRF token as one comparable string."""
        return repr(sorted((k, v) for k, v in self._all.items() if k != "csrf_token"))


class StaleForm(VersionConflict):
    """The row changed after the form was rendered.

    `current` holds the current values of the form's fields. `by_field` holds a message for the
    whole form and one for each field that differs.
    """

    def __init__(self, form: Form, current: dict[str, str]) -> None:
        super().__init__()
        differing = {name: text for name, text in current.items() if form.get(name) != text}
        self.by_field = {"": CHANGED_MEANWHILE} | {
            name: f"It is “{text}” now." if text else "It is empty now."
            for name, text in differing.items()
        }


def messages(error: TenantryError) -> dict[str, str]:
    """Return the error messages by field. The key for the whole form's message is empty."""
    if isinstance(error, InvalidRequest):
        return {e.field: e.message for e in error.errors}
    if isinstance(error, StaleForm):
        return error.by_field
    if isinstance(error, VersionConflict):
        return {"": CHANGED_MEANWHILE}
    return {FIELD_OF_ERROR.get(type(error), ""): str(error)}


def _friendly_message(detail: ErrorDetails) -> str:
    limits = detail.get("ctx", {})
    if limits.get("min_length") == 1 and detail["type"] in IF_EMPTY:
        return IF_EMPTY[detail["type"]]
    if detail["type"] in FRIENDLY_MESSAGES:
        return FRIENDLY_MESSAGES[detail["type"]].format_map(limits)
    return error_message(detail)
