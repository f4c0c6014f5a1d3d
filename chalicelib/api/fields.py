"""The types that requests and answers are made of: each carries its own rule."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from chalicelib.domain.names import check_slug, clean_text, fold_email
from chalicelib.domain.passwords import LENGTH, check_length
from chalicelib.domain.pricing import MAX_QUANTITY
from chalicelib.storage.reads import Pagination
from chalicelib.storage.rows import iso

# A text that a person types: trimmed, and something of it left.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean_text)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(clean_text)]
Slug = Annotated[str, AfterValidator(check_slug)]
Email = Annotated[
    str,
    AfterValidator(lambda address: _email(address)),
    Field(json_schema_extra={"format": "email"}),
]
# A password to check. services/identity/passwords.py has the rules for a new one.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
NewPassword = Annotated[
    str,
    AfterValidator(check_length),
    Field(json_schema_extra={"minLength": LENGTH.start, "maxLength": LENGTH[-1]}),
]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
LicenseCount = Annotated[int, Field(ge=0, le=10_000_000)]
Time = Annotated[datetime, PlainSerializer(iso, return_type=str)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _email(address: str) -> str:
    """Not pydantic's EmailStr: that takes `Ann <ann@example.com>` and outer space as well."""
    from email_validator import validate_email

    folded = fold_email(address)
    return validate_email(folded, check_deliverability=False, strict=True).normalized


class Input(BaseModel):
    """What a client sends: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Changes(Input):
    """What a PATCH may send. A field that is left out stays as it is: the default that it has
    here is never read, so the document of the API shows none."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Query(BaseModel):
    """A query string: texts, converted."""

    model_config = ConfigDict(extra="forbid")


class ListQuery(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None

    @property
    def page(self) -> Pagination:
        return Pagination(self.limit, self.cursor)


class Output(BaseModel):
    """What a client reads: made from a row."""

    model_config = ConfigDict(from_attributes=True)


class RowOutput(Output):
    """The columns that every row has."""

    created_at: Time
    updated_at: Time
    version: int


Document = dict[str, Any]
