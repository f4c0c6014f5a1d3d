"""POST /local/damage: edits the tables as a person at the AWS console could, so that a
walkthrough can see the damage found, explained and repaired. On one machine only.

Every write goes round the service: no version, no ledger entry, no claim.
"""

import json
from collections.abc import Callable
from typing import Any

from chalicelib.services.settings import platform_settings
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, connection, key_columns, new_id
from chalicelib.storage.tenants import Tenant
from infra.local.gateway import LocalResponse

PATH = "/local/damage"


def handle(body: bytes) -> LocalResponse:
    """{"kind": "counter", "reseller_id": …, "license_used"?: n, "license_count"?: n} edits
    counters. {"kind": "orphan", "reseller_id": …} copies the reseller's first tenant to a
    reseller that does not exist. {"kind": "branding", "document": {…}, "reseller_id": …,
    "tenant_id": …} brands them and the platform so. Answers what was written."""
    try:
        asked = json.loads(body or b"{}")
        written = _KINDS[asked.pop("kind")](**asked)
    except (ValueError, KeyError, TypeError, Reseller.DoesNotExist) as error:
        return _answer(422, {"error": f"{type(error).__name__}: {error}"})
    return _answer(200, written)


def edit(row: Row, **columns: Any) -> None:
    """Set columns (None: remove) and nothing else."""
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
    """The console's "Duplicate item": the same row under another key."""
    put(row, read_item(row) | {name: {"S": value} for name, value in key.items()})


def read_item(row: Row) -> dict[str, Any]:
    """The row as DynamoDB has it. Raises KeyError where it is not there."""
    found = _call("GetItem", TableName=_table(row), Key=_key(row), ConsistentRead=True)
    return dict(found["Item"])


def put(row: Row, item: dict[str, Any]) -> None:
    _call("PutItem", TableName=_table(row), Item=item)


def _counter(reseller_id: str, **counters: int) -> dict[str, Any]:
    if not counters or not set(counters) <= {"license_used", "license_count"}:
        raise ValueError("Name license_used or license_count.")
    edit(Reseller(reseller_id), **{name: int(value) for name, value in counters.items()})
    return {"reseller_id": reseller_id, **counters}


def _orphan(reseller_id: str) -> dict[str, Any]:
    tenant = next(iter(Tenant.query(reseller_id, limit=1, consistent_read=True)), None)
    if tenant is None:
        raise ValueError("The reseller has no tenant to copy.")
    orphan = {"reseller_id": new_id("rsl"), "id": new_id("tnt")}
    duplicate(tenant, **orphan)
    return orphan


def _branding(reseller_id: str, tenant_id: str, document: dict[str, str]) -> dict[str, Any]:
    rows = (PlatformSettings(PLATFORM), Reseller(reseller_id), Tenant(reseller_id, tenant_id))
    for row in rows:
        edit(row, branding_config=document)
    platform_settings.clear_cache()
    return document


_KINDS: dict[str, Callable[..., dict[str, Any]]] = {
    "counter": _counter,
    "orphan": _orphan,
    "branding": _branding,
}


def _key(row: Row) -> dict[str, Any]:
    keys = [key.attr_name for key in key_columns(type(row)) if key is not None]
    return {name: {"S": getattr(row, name)} for name in keys}


def _table(row: Row) -> str:
    return type(row)._get_connection().table_name


def _call(operation: str, **parameters: Any) -> Any:
    return connection().client._make_api_call(operation, parameters)


def _answer(status: int, document: dict[str, Any]) -> LocalResponse:
    body = json.dumps(document).encode()
    return LocalResponse(status, [("Content-Type", "application/json")], body)
