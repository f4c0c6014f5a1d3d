"""Edit table rows directly, the way someone could in the AWS console.

POST /local/damage lets the walkthrough damage data, so that it can check that reconciliation finds,
explains, and repairs the damage. The route exists only in local runs. Every write bypasses the
service: it changes no version and writes no ledger entry and no claim.
"""

import json
from collections.abc import Callable
from typing import Any

from chalicelib.storage import caches
from chalicelib.storage.connection import connection
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, key_columns, new_id
from chalicelib.storage.tenants import Tenant
from infra.local.gateway import LocalResponse

PATH = "/local/damage"


def handle(body: bytes) -> LocalResponse:
    """Apply one edit and return what was written. The body is one of:

    - {"kind": "counter", "reseller_id": …, "license_used"?: n, "license_count"?: n}
      sets counters.
    - {"kind": "orphan", "reseller_id": …} copies the reseller's first tenant to a reseller
      that does not exist.
    - {"kind": "branding", "document": {…}, "reseller_id": …, "tenant_id": …} sets the branding
      of the platform, the reseller, and the tenant.
    """
    try:
        parameters = json.loads(body or b"{}")
        written = _EDITS[parameters.pop("kind")](**parameters)
    except (ValueError, KeyError, TypeError, Reseller.DoesNotExist) as error:
        return _json_response(422, {"error": f"{type(error).__name__}: {error}"})
    return _json_response(200, written)


def edit(row: Row, **columns: Any) -> None:
    """Set these columns and nothing else. A value of None removes the column."""
    item = read_item(row)
    for name, value in columns.items():
        attribute = type(row).get_attributes()[name]
        item.pop(name, None)
        if value is not None:
            item[name] = {attribute.attr_type: attribute.serialize(value)}
    put(row, item)


def remove(row: Row) -> None:
    _call("DeleteItem", TableName=_table(row), Key=_key(row))


def duplicate(row: Row, **key: str) -> None:
    """Copy the row under another key, like "Duplicate item" in the console."""
    put(row, read_item(row) | {name: {"S": value} for name, value in key.items()})


def read_item(row: Row) -> dict[str, Any]:
    """Return the row as DynamoDB stores it. Raises KeyError if it does not exist."""
    response = _call("GetItem", TableName=_table(row), Key=_key(row), ConsistentRead=True)
    return dict(response["Item"])


def put(row: Row, item: dict[str, Any]) -> None:
    _call("PutItem", TableName=_table(row), Item=item)


def _edit_counters(reseller_id: str, **counters: int) -> dict[str, Any]:
    if not counters or not set(counters) <= {"license_used", "license_count"}:
        raise ValueError("Specify license_used, license_count, or both.")
    edit(Reseller(reseller_id), **{name: int(value) for name, value in counters.items()})
    return {"reseller_id": reseller_id, **counters}


def _create_orphan(reseller_id: str) -> dict[str, Any]:
    tenant = next(iter(Tenant.query(reseller_id, limit=1, consistent_read=True)), None)
    if tenant is None:
        raise ValueError("The reseller has no tenant to copy.")
    orphan = {"reseller_id": new_id("rsl"), "id": new_id("tnt")}
    duplicate(tenant, **orphan)
    return orphan


def _edit_branding(reseller_id: str, tenant_id: str, document: dict[str, str]) -> dict[str, Any]:
    rows = (PlatformSettings(PLATFORM), Reseller(reseller_id), Tenant(reseller_id, tenant_id))
    for row in rows:
        edit(row, branding_config=document)
    caches.clear()
    return document


_EDITS: dict[str, Callable[..., dict[str, Any]]] = {
    "counter": _edit_counters,
    "orphan": _create_orphan,
    "branding": _edit_branding,
}


def _key(row: Row) -> dict[str, Any]:
    keys = [key.attr_name for key in key_columns(type(row)) if key is not None]
    return {name: {"S": getattr(row, name)} for name in keys}


def _table(row: Row) -> str:
    return type(row)._get_connection().table_name


def _call(operation: str, **parameters: Any) -> Any:
    return connection().client._make_api_call(operation, parameters)


def _json_response(status: int, document: dict[str, Any]) -> LocalResponse:
    body = json.dumps(document).encode()
    return LocalResponse(status, [("Content-Type", "application/json")], body)
