"""Field types and base models for requests and responses. Each type includes its validation."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WrapValidator,
)

from chalicelib.domain.names import (
    MAX_EMAIL,
    MAX_SEARCH,
    SLUG,
    SLUG_LENGTH,
    check_slug,
    clean_text,
    fold_email,
)
from chalicelib.domain.passwords import LENGTH, check_length
from chalicelib.domain.pricing import MAX_QUANTITY
from chalicelib.domain.wording import text_of
from chalicelib.storage.reads import Pagination
from chalicelib.storage.rows import iso

# A limit that a validator checks is also stated in `json_schema_extra`: the API reference and the
# pages' forms read every limit from there.

# User-entered text. It is trimmed and must not be blank.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean_text)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(clean_text)]
Slug = Annotated[
    str,
    AfterValidator(check_slug),
    Field(
        json_schema_extra={
            "minLength": SLUG_LENGTH.start,
            "maxLength": SLUG_LENGTH[-1],
            "pattern": f"^{SLUG.pattern}$",
        }
    ),
]
Email = Annotated[
    str,
    AfterValidator(lambda address: _normalize_email(address)),
    Field(json_schema_extra={"format": "email", "maxLength": MAX_EMAIL}),
]
# An existing password or a token. services/identity/passwords.py has the rules for new ones.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
NewPassword = Annotated[
    str,
    AfterValidator(check_length),
    Field(json_schema_extra={"minLength": LENGTH.start, "maxLength": LENGTH[-1]}),
]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
MAX_LICENSES = 10_000_000
LicenseCount = Annotated[int, Field(ge=0, le=MAX_LICENSES)]
Search = Annotated[str, StringConstraints(max_length=MAX_SEARCH)]
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Time = Annotated[datetime, PlainSerializer(iso, return_type=str)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
# Sentences in a result, which a response has as words.
Words = Annotated[str, BeforeValidator(text_of)]
# For an enum in a response: `Annotated[Status, ANY_STORED, AS_TEXT]` documents this release's
# values, but also accepts a value stored by a later release.
ANY_STORED = WrapValidator(lambda value, _: value)
AS_TEXT = PlainSerializer(lambda value: str(value))  # passing `str` would change the schema


def _normalize_email(address: str) -> str:
    """Validate and lowercase an address.

    Pydantic's EmailStr is too lenient: it accepts `Ann <ann@example.com>` and surrounding spaces.
    """
    from email_validator import validate_email

    folded = fold_email(address)
    return validate_email(folded, check_deliverability=False, strict=True).normalized


Schema = dict[str, Any]  # Any: a JSON Schema, which has no static type of its own


def one_of(values: Iterable[str]) -> str:
    """Return the values for a description: `a`, `b`, or `c`."""
    *others, last = (f"`{value}`" for value in values)
    return f"{', '.join(others)}{',' if len(others) > 1 else ''} or {last}"


class Input(BaseModel):
    """A request body. Types must match exactly, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _remove_defaults(schema: Schema) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Changes(Input):
    """The body of a PATCH request. Omitted fields keep their values.

    The defaults in these models are never used, so the OpenAPI document omits them.
    """

    model_config = ConfigDict(json_schema_extra=_remove_defaults)


class Query(BaseModel):
    """A query string. Its text values are converted to the fields' types."""

    model_config = ConfigDict(extra="forbid")


class ListQuery(Query):
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum rows per page.")] = 25
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        None, description="The `next_cursor` of the previous page."
    )

    @property
    def page(self) -> Pagination:
        return Pagination(self.limit, self.cursor)


class Output(BaseModel):
    """A response, built from the attributes of a row or a service's result."""

    model_config = ConfigDict(from_attributes=True)


class RowOutput(Output):
    """A response for a row, with the columns that every row has."""

    created_at: Time
    updated_at: Time
    version: int = Field(description="Changes whenever the row is updated.")


Document = dict[str, object]
