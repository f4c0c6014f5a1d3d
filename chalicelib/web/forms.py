"""What a form sent: its fields as typed, and as the same models that the API reads."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError

from chalicelib.api.requests import field_errors, raw_body
from chalicelib.errors import (
    DomainTaken,
    EmailTaken,
    InvalidRequest,
    LicenseCountBelowUsed,
    SlugTaken,
    TenantryError,
)

M = TypeVar("M", bound=BaseModel)

MAX_FIELDS = 500
# Errors of the domain that one field of a form is to blame for.
FIELD_OF: dict[type[TenantryError], str] = {
    SlugTaken: "slug",
    EmailTaken: "email",
    DomainTaken: "host",
    LicenseCountBelowUsed: "license_count",
}


class Form:
    """typed: what stands in the fields, to show again; the last of a repeated name."""

    def __init__(self, request: Any) -> None:
        """Raises PayloadTooLarge, InvalidRequest."""
        try:
            self._all = parse_qs(
                raw_body(request).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS
            )
        except ValueError:
            raise InvalidRequest.of("body", "The form could not be read.") from None
        self.typed = {name: values[-1] for name, values in self._all.items()}

    def get(self, name: str) -> str:
        return self.typed.get(name, "").strip()

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
            raise InvalidRequest(field_errors(error, "")) from None


def messages(error: TenantryError) -> dict[str, str]:
    """What to show beside which field; under the empty name what concerns the whole form."""
    if isinstance(error, InvalidRequest):
        return {e.field: e.message for e in error.errors}
    return {FIELD_OF.get(type(error), ""): str(error)}


def first_of(errors: Mapping[str, str]) -> str:
    return next(iter(errors.values()), "")
