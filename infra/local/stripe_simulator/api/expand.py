"""`expand[]=payment_intent.latest_charge`: replace IDs with the objects that they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidParameter
from infra.local.stripe_simulator.objects.shared import list_of

_MAX_DEPTH = 4

_REFERENCES = {
    "charge": "charge",
    "customer": "customer",
    "invoice": "invoice",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
}
_EXPANDABLE = {
    "checkout.session": ("customer", "invoice", "payment_intent"),
    "payment_intent": ("customer", "latest_charge"),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "invoice": ("customer",),
}


def _line_items(account: Account, session: Object) -> Object:
    items = account.session_details[session["id"]].line_items
    return list_of(items, f"/v1/checkout/sessions/{session['id']}/line_items")


def _refunds(account: Account, charge: Object) -> Object:
    refunds = [r for r in account.newest_first("refund") if r["charge"] == charge["id"]]
    first_page = refunds[:10]  # Stripe's limit for an expanded list
    url = f"/v1/charges/{charge['id']}/refunds"
    return list_of(first_page, url, has_more=len(refunds) > len(first_page))


# Lists that an object includes only if they are expanded.
_INCLUDABLE: dict[tuple[str, str], Callable[[Account, Object], Object]] = {
    ("checkout.session", "line_items"): _line_items,
    ("charge", "refunds"): _refunds,
}


def expand(account: Account, object: Object, paths: Iterable[str]) -> Object:
    for path in paths:
        if path.count(".") >= _MAX_DEPTH:
            raise InvalidParameter(
                f"You cannot expand more than {_MAX_DEPTH} levels of a property. Property: {path}",
                "expand",
            )
        object = _expand_path(account, object, path.split("."), path)
    return object


def expand_page(account: Account, page: Object, paths: list[str]) -> Object:
    item_paths = []
    for path in paths:
        if not path.startswith("data."):
            raise InvalidParameter(f"This property cannot be expanded ({path}).", "expand")
        item_paths.append(path.removeprefix("data."))
    return {**page, "data": [expand(account, item, item_paths) for item in page["data"]]}


def _expand_path(account: Account, object: Object, path: list[str], full_path: str) -> Object:
    name, *rest = path
    if object["object"] == "list" and name == "data":
        return {
            **object,
            "data": [_expand_path(account, i, rest, full_path) for i in object["data"]],
        }
    include = _INCLUDABLE.get((object["object"], name))
    value = object.get(name)
    if include and value is None:
        value = include(account, object)
    elif name in _EXPANDABLE.get(object["object"], ()):
        if isinstance(value, str):
            value = account.get(_REFERENCES[name], value)
    elif not include:
        raise InvalidParameter(f"This property cannot be expanded ({full_path}).", "expand")
    if value is not None and rest:
        value = _expand_path(account, value, rest, full_path)
    return {**object, name: value}
