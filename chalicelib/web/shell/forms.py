"""Submitted forms: their fields as typed, and as parsed into the API's models."""

import re
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError

from chalicelib.errors import (
    DomainTaken,
    EmailTaken,
    FieldError,
    InvalidRequest,
    LicenseCountBelowUsed,
    SlugTaken,
    TenantryError,
    VersionConflict,
)
from chalicelib.http.requests import field_errors, raw_body

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
# Pydantic's messages are written for programmers. On pages, the messages below replace them.
FRIENDLY_MESSAGES = (
    (re.compile(r"Field required"), "Please fill this in."),
    (re.compile(r"Input should be a valid integer.*"), "A whole number, please."),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"\1 or more, please."),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"\1 at most, please."),
    (re.compile(r"String should have at least 1 character"), "Please fill this in."),
    (re.compile(r"String should have at least (\S+) characters?"), r"\1 characters at least."),
    (re.compile(r"String should have at most (\S+) characters?"), r"\1 characters at most."),
    (re.compile(r"List should have at least 1 item.*"), "Choose at least one."),
    (re.compile(r"value is not a valid email address: .*"), "Write it like name@example.com."),
    (re.compile(r"Input should be a valid (date|datetime).*"), "A date, please."),
)


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
            errors = field_errors(error, "")
            friendly = [FieldError(e.field, _friendly_message(e.message)) for e in errors]
            raise InvalidRequest(friendly) from None

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


def _friendly_message(message: str) -> str:
    for pattern, friendly in FRIENDLY_MESSAGES:
        if match := pattern.fullmatch(message):
            return match.expand(friendly)
    return message
