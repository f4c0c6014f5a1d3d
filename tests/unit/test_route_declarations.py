"""A route's input and paging come from its handler's annotations, which must be complete."""

from typing import Any

import pytest

from chalicelib.api.declarations import Handler, input_of, is_paged
from chalicelib.http.csv import Csv
from chalicelib.http.fields import ListQuery
from chalicelib.http.requests import Call, Empty
from chalicelib.storage.reads import Page


def read_one(call: Call[Empty]) -> str:
    return ""


def list_all(_call: Call[ListQuery]) -> Page[str]:
    return Page([], None)


def list_or_export(_call: Call[ListQuery]) -> Page[str] | Csv:
    return Page([], None)


def without_model(call: Call) -> str:  # type: ignore[type-arg]
    return ""


def without_call(call: Empty) -> str:
    return ""


def without_parameter() -> str:
    return ""


def with_two_parameters(call: Call[Empty], more: str) -> str:
    return ""


def without_annotations(call, more=None):  # type: ignore[no-untyped-def]
    return ""


@pytest.mark.parametrize(
    ("handler", "model", "paged"),
    [
        (read_one, Empty, False),
        (list_all, ListQuery, True),
        (list_or_export, ListQuery, True),
    ],
)
def test_annotations_declare_the_input_and_paging(
    handler: Handler, model: Any, paged: bool
) -> None:
    assert input_of(handler) is model
    assert is_paged(handler) == paged


@pytest.mark.parametrize(
    "handler",
    [without_model, without_call, without_parameter, with_two_parameters, without_annotations],
)
def test_a_handler_without_an_input_model_is_refused(handler: Handler) -> None:
    with pytest.raises(TypeError, match=f"{handler.__name__} must take one parameter"):
        input_of(handler)


def test_a_handler_without_a_return_type_is_refused() -> None:
    with pytest.raises(TypeError, match="without_annotations must declare its return type"):
        is_paged(without_annotations)
