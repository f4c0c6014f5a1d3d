"""`expand[]=payment_intent.latest_charge`: ids replaced by the objects that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidParameter
from infra.local.stripe_simulator.objects.address import list_of

_DEEPEST = 4

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
    items = account.orders[session["id"]].line_items
    return list_of(items, f"/v1/checkout/sessions/{session['id']}/line_items")


def _refunds(account: Account, charge: Object) -> Object:
    refunds = [r for r in account.newest_first("refund") if r["charge"] == charge["id"]]
    shown = refunds[:10]  # as many as Stripe puts into an expanded list
    url = f"/v1/charges/{charge['id']}/refunds"
    return list_of(shown, url, has_more=len(refunds) > len(shown))


# Lists that are left out of their object until asked for.
_INCLUDABLE: dict[tuple[str, str], Callable[[Account, Object], Object]] = {
    ("checkout.session", "line_items"): _line_items,
    ("charge", "refunds"): _refunds,
}


def expand(account: Account, object: Object, paths: Iterable[str]) -> Object:
    for path in paths:
        if path.count(".") >= _DEEPEST:
            raise InvalidParameter(
                f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
                "expand",
            )
        object = _expanded(account, object, path.split("."), path)
    return object


def expand_page(account: Account, page: Object, paths: list[str]) -> Object:
    inside = []
    for path in paths:
        if not path.startswith("data."):
            raise InvalidParameter(f"This property cannot be expanded ({path}).", "expand")
        inside.append(path.removeprefix("data."))
    return {**page, "data": [expand(account, item, inside) for item in page["data"]]}


def _expanded(account: Account, object: Object, path: list[str], full: str) -> Object:
    name, *rest = path
    if object["object"] == "list" and name == "data":
        return {**object, "data": [_expanded(account, i, rest, full) for i in object["data"]]}
    include = _INCLUDABLE.get((object["object"], name))
    value = object.get(name)
    if include and value is None:
        value = include(account, object)
    elif name in _EXPANDABLE.get(object["object"], ()):
        if isinstance(value, str):
            value = account.get(_REFERENCES[name], value)
    elif not include:
        raise InvalidParameter(f"This property cannot be expanded ({full}).", "expand")
    if value is not None and rest:
        value = _expanded(account, value, rest, full)
    return {**object, name: value}
