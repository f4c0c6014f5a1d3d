"""What a form says about a field, by the type of Pydantic's error."""

from datetime import date
from typing import Annotated, get_args

import pytest
from pydantic import BaseModel, Field
from pydantic_core.core_schema import ErrorType

from chalicelib.errors import InvalidRequest
from chalicelib.http.fields import Changes, Email, Input, Text
from chalicelib.web.shell.form_fields import FormFields
from chalicelib.web.shell.forms import FRIENDLY_MESSAGES, IF_EMPTY, Form, messages


class Order(Input):
    quantity: Annotated[int, Field(ge=1, le=1_000)] = 1
    name: Text = "x"
    code: Annotated[str, Field(min_length=3)] = "abc"
    email: Email = "a@example.com"
    day: Annotated[date, Field(strict=False)] = date(2026, 11, 1)
    scopes: Annotated[list[str], Field(min_length=1, default_factory=lambda: ["read"])]


class Required(Input):
    name: Text


class Edited(Changes):
    name: Text = ""


WHOLE, DATE = "A whole number, please.", "A date, please."


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("quantity", "x", WHOLE),
        ("quantity", "1.5", WHOLE),
        ("quantity", "9" * 5_000, WHOLE),
        ("quantity", "0", "1 or more, please."),
        ("quantity", "1001", "1000 at most, please."),
        ("name", "x" * 201, "200 characters at most."),
        ("code", "x", "3 characters at least."),
        ("day", "tomorrow", DATE),
        ("day", "2026-13-01", DATE),
        # Our own validators write for people.
        ("name", "\u200b", "Control characters and invisible characters are not allowed."),
        ("email", "a", "An email address must have an @-sign."),
    ],
)
def test_a_field_says_what_it_needs(field: str, typed: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Form(FormFields(Order), {field: [typed], "scopes": ["read"]}).read()
    assert messages(refused.value) == {field: message}


def test_an_empty_field_says_that_it_must_be_filled_in() -> None:
    fields: FormFields[BaseModel]
    for fields in (FormFields(Required), FormFields(Edited)):
        with pytest.raises(InvalidRequest) as refused:
            Form(fields, {"name": [""]}).read()
        assert messages(refused.value) == {"name": "Please fill this in."}
    with pytest.raises(InvalidRequest) as refused:
        Form(FormFields(Order), {}).read()
    assert messages(refused.value) == {"scopes": "Choose at least one."}


def test_every_friendly_message_is_for_a_type_that_pydantic_has() -> None:
    assert FRIENDLY_MESSAGES.keys() | IF_EMPTY.keys() <= set(get_args(ErrorType))
