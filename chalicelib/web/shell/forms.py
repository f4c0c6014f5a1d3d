"""Submitted forms: their fields as typed, and as parsed into the API's models."""

from typing import Generic
from urllib.parse import parse_qs

from chalice.app import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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
from chalicelib.http.requests import error_message, field_errors, raw_body
from chalicelib.web.shell.form_fields import (
    CHECKBOX,
    CHECKBOXES,
    OMIT,
    Control,
    FormFields,
    M_co,
)

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


class Form(Generic[M_co]):
    """One submitted form."""

    def __init__(self, fields: FormFields[M_co], values: dict[str, list[str]]) -> None:
        self.fields = fields
        self._all = values

    @classmethod
    def from_body(cls, fields: FormFields[M_co], request: Request) -> "Form[M_co]":
        """Parse the body of a POST. Raises PayloadTooLarge or InvalidRequest."""
        try:
            body = raw_body(request).decode()
            values = parse_qs(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise InvalidRequest.of("body", "The form could not be read.") from None
        return cls(fields, values)

    @classmethod
    def from_query(cls, fields: FormFields[M_co], request: Request) -> "Form[M_co]":
        """Parse the query of a GET."""
        query = request.query_params
        return cls(fields, {name: query.getlist(name) for name in query} if query else {})

    def get(self, name: str) -> str:
        """Return a field's last value, or an empty string. Only passwords are not stripped."""
        typed = self._all.get(name, [""])[-1]
        return typed if "password" in name else typed.strip()

    def get_all(self, name: str) -> list[str]:
        """Return all values of a repeated field, stripped."""
        return [value.strip() for value in self._all.get(name, [])]

    @property
    def typed(self) -> dict[str, str | list[str]]:
        """Each field's value as it was typed, for refilling the form."""
        lists = {
            name
            for name, control in self.fields.controls.items()
            if self.fields.repeats or control.type == CHECKBOXES
        }
        last = {name: values[-1] for name, values in self._all.items()}
        return {**last, **{name: self.get_all(name) for name in lists}}

    def rows(self) -> list["Form[M_co]"]:
        """Return each row of a form that repeats its fields."""
        columns = [self.get_all(name) for name in self.fields.controls]
        return [
            Form(
                self.fields,
                {name: [value] for name, value in zip(self.fields.controls, row, strict=True)},
            )
            for row in zip(*columns, strict=False)
        ]

    def read(self) -> M_co:
        """Parse the form's fields into their model. Raises InvalidRequest."""
        data: dict[str, object] = {}
        errors: dict[str, str] = {}
        for name, control in self.fields.controls.items():
            try:
                value = self._value(name, control)
            except ValueError as error:
                errors[name] = str(error)
                continue
            if value is not OMIT:
                data[name] = value
        try:
            parsed = self.fields.model.model_validate(data, strict=False)
        except ValidationError as error:
            # An error of one value of a list, such as `scopes.0`, is shown at the list.
            found = {
                e.field.partition(".")[0]: e.message
                for e in field_errors(error, "", _friendly_message)
            }
            errors = found | errors
        if errors:
            raise InvalidRequest([FieldError(name, text) for name, text in errors.items()])
        return parsed

    def _value(self, name: str, control: Control) -> object:
        """Return the value to validate, or OMIT. Raises ValueError."""
        if control.type == CHECKBOX:
            return self.get(name) == "true"
        if control.type == CHECKBOXES:
            return self.get_all(name)
        typed = self.get(name)
        # A form that lacks a required field is incomplete, so its checkboxes mean nothing either.
        if control.required and not typed:
            raise ValueError(IF_EMPTY["string_too_short"])
        if name not in self._all:
            return OMIT
        return control.parse(typed) if typed or control.empty == "" else control.empty

    def content(self) -> str:
        """Return all fields except the CSRF token as one comparable string."""
        return repr(sorted((k, v) for k, v in self._all.items() if k != "csrf_token"))


class StaleForm(VersionConflict):
    """The row changed after the form was rendered.

    `current` holds the current values of the form's fields. `by_field` holds a message for the
    whole form and one for each field that differs.
    """

    def __init__(self, form: Form[BaseModel], current: dict[str, str]) -> None:
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
