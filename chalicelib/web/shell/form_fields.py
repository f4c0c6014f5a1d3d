"""The fields of a form: fields of an API model, with the model's limits as HTML attributes.

A form is read into the model that the API uses, and its controls get their limits from that model.
So no limit stands in a template, and a page accepts what the API accepts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from typing import Generic, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chalicelib.http.fields import Changes, Schema
from chalicelib.http.requests import Empty

M_co = TypeVar("M_co", bound=BaseModel, covariant=True)

CHECKBOX = "checkbox"
# Not a type in HTML: one checkbox for each value of a list.
CHECKBOXES = "checkboxes"
INPUT_TYPES = {"email": "email", "uri": "url", "date": "date", "date-time": "date"}
ATTRIBUTES = {
    "minLength": "minlength",
    "maxLength": "maxlength",
    "pattern": "pattern",
    "minimum": "min",
    "maximum": "max",
}
PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
# The value of an empty control whose field is left out.
OMIT = object()


@dataclass(frozen=True, slots=True)
class Control:
    """How a form asks for a field.

    Attributes:
        type: The type of the `<input>`, or CHECKBOXES.
        limits: The model's limits, as HTML attributes.
        options: The only values that the model accepts, or empty if it doesn't list them.
        required: Whether the form can't be sent without a value.
        default: The value of a new form.
        parse: Returns the value to validate for a typed text. Raises ValueError.
        empty: The value to validate if nothing was typed.
    """

    type: str
    limits: Mapping[str, object]
    options: tuple[str, ...]
    required: bool
    default: object
    parse: Callable[[str], object]
    empty: object

    @property
    def is_optional(self) -> bool:
        return not self.required and self.default is None


@dataclass(frozen=True)
class FormFields(Generic[M_co]):
    """Fields of a model, under the names that they have in JSON.

    Attributes:
        id: Distinguishes the form from others on the same page.
        only: The fields, if the form doesn't ask for all those that a form can ask for.
        require: Fields that are optional in the model, but not in this form.
        cents: Amounts that are shown and typed with two decimals.
        repeats: Whether the form is a table with each field once per row.
    """

    model: type[M_co]
    id: str = ""
    only: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    cents: tuple[str, ...] = ()
    repeats: bool = False

    def with_id(self, id: str) -> "FormFields[M_co]":
        return replace(self, id=id)

    @property
    def controls(self) -> dict[str, Control]:
        return _controls(self.with_id(""))

    @property
    def has_required(self) -> bool:
        return any(control.required for control in self.controls.values())

    def read_controls(self) -> dict[str, Control]:
        """Return each field's control, read from the model. Raises TypeError."""
        schema = self.model.model_json_schema()
        definitions = schema.get("$defs", {})
        infos = {info.alias or name: info for name, info in self.model.model_fields.items()}
        found = {}
        for name in self.only or infos:
            control = self._control(name, infos[name], schema["properties"][name], definitions)
            if control is not None:
                found[name] = control
            elif self.only:
                raise TypeError(f"A form can't ask for {name}.")
        return found

    def _control(
        self, name: str, info: FieldInfo, schema: Schema, definitions: Schema
    ) -> Control | None:
        """Return a field's control, or None if the field holds more than a form can ask for."""
        parts = [
            definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            for part in schema.get("anyOf", [schema])
        ]
        kind: Schema = {**schema, **next(part for part in parts if part.get("type") != "null")}
        input_type = _input_type(name, kind)
        if input_type is None:
            return None
        nullable = any(part.get("type") == "null" for part in parts)
        required, empty = self._if_empty(name, info, input_type, nullable=nullable)
        in_cents = name in self.cents
        parse: Callable[[str], object] = PARSERS.get(kind.get("format") or kind["type"], str)
        return Control(
            type=input_type,
            limits=_limits(kind, in_cents=in_cents),
            options=tuple(kind.get("items", kind).get("enum", ())),
            required=required,
            default=None if issubclass(self.model, Changes) else schema.get("default"),
            parse=partial(_parse_cents, kind) if in_cents else parse,
            empty=empty,
        )

    def _if_empty(
        self, name: str, info: FieldInfo, input_type: str, *, nullable: bool
    ) -> tuple[bool, object]:
        """Return whether a value is required, and what an empty control means.

        In an edit form, it clears the value. A password is left out instead, because no form shows
        the current one.
        """
        if name in self.require:
            return True, ""
        if self.repeats:  # the last row can stay empty
            return False, ""
        if issubclass(self.model, Changes) and input_type not in ("password", CHECKBOX, CHECKBOXES):
            return not nullable, None if nullable else ""
        return info.is_required() and input_type != CHECKBOXES, OMIT


@cache
def _controls(fields: FormFields[BaseModel]) -> dict[str, Control]:
    return fields.read_controls()


NO_FIELDS = FormFields(Empty)
"""A form that consists of buttons."""


def _input_type(name: str, kind: Schema) -> str | None:
    match kind.get("type"):
        case "boolean":
            return CHECKBOX
        case "integer":
            return "number"
        case "array":
            return CHECKBOXES if kind["items"].get("type") == "string" else None
        case "string" if "password" in name:
            return "password"
        case "string":
            return INPUT_TYPES.get(kind.get("format", ""), "text")
    return None


def _limits(kind: Schema, *, in_cents: bool) -> dict[str, object]:
    limits = {html: kind[limit] for limit, html in ATTRIBUTES.items() if limit in kind}
    if limits.get("minlength") == 1:
        del limits["minlength"]  # `required` says the same
    if "pattern" in limits:
        limits["pattern"] = limits["pattern"].removeprefix("^").removesuffix("$")
    if in_cents:
        return {"step": "0.01", **{name: f"{cents / 100:.2f}" for name, cents in limits.items()}}
    return limits


def _parse_number(typed: str) -> str:
    """Accept the typographic minus sign, because people copy it from hints."""
    return typed.replace("−", "-")


def _parse_cents(kind: Schema, typed: str) -> int:
    whole, _, fraction = typed.partition(".")
    cents = int(f"{whole}{fraction:0<2}") if PRICE.fullmatch(typed) else 0
    if not kind["minimum"] <= cents <= kind["maximum"]:
        raise ValueError("A price like 17.50, please.")
    return cents


def _parse_day(typed: str) -> str:
    """Return the end of the day in UTC, for a field that takes a time."""
    try:
        return f"{date.fromisoformat(typed)}T23:59:59Z"
    except ValueError:
        raise ValueError("A date, please.") from None


PARSERS: Mapping[str, Callable[[str], object]] = {
    "integer": _parse_number,
    "date-time": _parse_day,
}
