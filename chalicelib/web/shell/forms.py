"""What a form sent: its fields as typed, and as the same models that the API reads."""

import re
from typing import Any, TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError

from chalicelib.api.requests import field_errors, raw_body
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

M = TypeVar("M", bound=BaseModel)

MAX_FIELDS = 500
CHANGED = (
    "Somebody changed this after you opened it. What you typed is kept below; saving again puts "
    "it in the place of theirs."
)
# Errors of the domain that one field of a form is to blame for.
FIELD_OF: dict[type[TenantryError], str] = {
    SlugTaken: "slug",
    EmailTaken: "email",
    DomainTaken: "host",
    LicenseCountBelowUsed: "license_count",
}
# What pydantic says of a program's input, in words for a person's.
PLAIN = (
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
    """typed: what stands in the fields, to show again; the last of a repeated name."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._all = fields
        self.typed = {name: values[-1] for name, values in self._all.items()}

    @classmethod
    def posted(cls, request: Any) -> "Form":
        """Raises PayloadTooLarge, InvalidRequest."""
        try:
            body = raw_body(request).decode()
            return cls(parse_qs(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise InvalidRequest.of("body", "The form could not be read.") from None

    @classmethod
    def asked(cls, request: Any) -> "Form":
        """One that is sent by GET, in the address."""
        sent = request.query_params
        return cls({name: sent.getlist(name) for name in sent or ()})

    def get(self, name: str) -> str:
        """Without outer space; but a password is what was typed, to the letter."""
        typed = self.typed.get(name, "")
        return typed if "password" in name else typed.strip()

    def every(self, name: str) -> list[str]:
        """All values of a repeated field."""
        return [value.strip() for value in self._all.get(name, [])]

    def read(self, model: type[M], **also: Any) -> M:
        """The fields that the model knows, empty ones left out. Raises InvalidRequest.

        also: values that are not typed as such: checkboxes, repeated fields.
        """
        data: dict[str, Any] = {
            name: self.get(name) for name in model.model_fields if self.get(name)
        }
        try:
            return model.model_validate(data | also, strict=False)
        except ValidationError as error:
            plain = [FieldError(e.field, _plain(e.message)) for e in field_errors(error, "")]
            raise InvalidRequest(plain) from None

    def content(self) -> str:
        """All that was filled in, for telling one filling-in from another."""
        return repr(sorted((k, v) for k, v in self._all.items() if k != "csrf_token"))


class StaleForm(VersionConflict):
    """The form shows what is no longer so. now: what each of its fields would show by now."""

    def __init__(self, form: Form, now: dict[str, str]) -> None:
        super().__init__()
        differing = {name: text for name, text in now.items() if form.get(name) != text}
        self.by_field = {"": CHANGED} | {
            name: f"It is “{text}” now." if text else "It is empty now."
            for name, text in differing.items()
        }


def messages(error: TenantryError) -> dict[str, str]:
    """What to show beside which field; under the empty name what concerns the whole form."""
    if isinstance(error, InvalidRequest):
        return {e.field: e.message for e in error.errors}
    if isinstance(error, StaleForm):
        return error.by_field
    if isinstance(error, VersionConflict):
        return {"": CHANGED}
    return {FIELD_OF.get(type(error), ""): str(error)}


def _plain(message: str) -> str:
    for said, plain in PLAIN:
        if found := said.fullmatch(message):
            return found.expand(plain)
    return message
