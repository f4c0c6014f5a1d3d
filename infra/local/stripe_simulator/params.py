"""Validate parameters as Stripe does: reject unknown names and values of the wrong type.

A reader takes the decoded value and the parameter's full name. It returns the typed value, or
raises InvalidParameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.local.stripe_simulator.errors import InvalidParameter

Reader = Callable[[Any, str], Any]


def text(max_length: int = 5000) -> Reader:
    def read(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise InvalidParameter(f"Invalid string: {name}", name)
        if value == "":
            raise InvalidParameter(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt "
                f"to unset a parameter; however '{name}' cannot be unset.",
                name,
                "parameter_invalid_empty",
            )
        if len(value) > max_length:
            raise InvalidParameter(
                f"Invalid string: {value[:20]}…; must be at most {max_length} characters", name
            )
        return value

    return read


def integer(minimum: int = 0, maximum: int | None = None) -> Reader:
    def read(value: Any, name: str) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise InvalidParameter(
                f"Invalid integer: {value}", name, "parameter_invalid_integer"
            ) from None
        if number < minimum:
            raise InvalidParameter(
                f"This value must be greater than or equal to {minimum}.",
                name,
                "parameter_invalid_integer",
            )
        if maximum is not None and number > maximum:
            raise InvalidParameter(
                f"This value must be less than or equal to {maximum}.",
                name,
                "parameter_invalid_integer",
            )
        return number

    return read


def boolean(value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidParameter(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def choice(*options: str) -> Reader:
    def read(value: Any, name: str) -> str:
        if value not in options:
            allowed = ", ".join(options[:-1]) + (f", or {options[-1]}" if options[1:] else "")
            raise InvalidParameter(f"Invalid {name}: must be one of {allowed}", name)
        return str(value)

    return read


def url(value: Any, name: str) -> str:
    parts = urlsplit(str(text()(value, name)))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidParameter("Not a valid URL", name, "url_invalid")
    return str(value)


def email(value: Any, name: str) -> str:
    address = str(text(800)(value, name))
    if "@" not in address or " " in address:
        raise InvalidParameter(f"Invalid email address: {address}", name, "email_invalid")
    return address


def metadata(value: Any, name: str) -> dict[str, str]:
    if value == "":  # clients send an empty string to unset metadata
        return {}
    if not isinstance(value, dict):
        raise InvalidParameter("Invalid object", name)
    if len(value) > 50:
        raise InvalidParameter("Metadata can have up to 50 keys.", name)
    for key, item in value.items():
        if len(key) > 40 or not isinstance(item, str) or len(item) > 500:
            raise InvalidParameter(
                "Metadata keys are up to 40 characters and values strings of up to 500.",
                f"{name}[{key}]",
            )
    return {key: item for key, item in value.items() if item != ""}


def array(item: Reader, maximum: int = 100) -> Reader:
    def read(value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
            raise InvalidParameter("Invalid array", name)
        if len(value) > maximum:
            raise InvalidParameter(f"Array is too long: at most {maximum} items", name)
        keys = sorted(value, key=int)
        return [item(value[key], f"{name}[{key}]") for key in keys]

    return read


def hash_of(fields: Mapping[str, Reader], required: tuple[str, ...] = ()) -> Reader:
    def read(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidParameter("Invalid object", name)
        for key in value:
            if key not in fields:
                full_name = _nested_name(name, key)
                raise InvalidParameter(
                    f"Received unknown parameter: {full_name}", full_name, "parameter_unknown"
                )
        for key in required:
            if key not in value:
                full_name = _nested_name(name, key)
                raise InvalidParameter(
                    f"Missing required param: {full_name}.", full_name, "parameter_missing"
                )
        return {key: fields[key](item, _nested_name(name, key)) for key, item in value.items()}

    return read


def _nested_name(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


_time_range = hash_of(dict.fromkeys(("gt", "gte", "lt", "lte"), integer()))


def timestamp_range(value: Any, name: str) -> dict[str, int]:
    """Read a timestamp or a range of timestamps, and return a range."""
    if isinstance(value, dict):
        return dict(_time_range(value, name))
    timestamp = integer()(value, name)
    return {"gte": timestamp, "lte": timestamp}


EXPAND = {"expand": array(text())}
PAGE = {
    "limit": integer(1, 100),
    "starting_after": text(),
    "ending_before": text(),
    **EXPAND,
}
