"""Table changes must be deployable to a stack that runs the last release."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.deployment.released_tables import (
    Tables,
    current_tables,
    released_tables,
    undeployable_changes,
)

TENANTS = "TenantsTable"


def test_the_current_tables_can_be_deployed_over_the_last_release() -> None:
    assert undeployable_changes(released_tables(), current_tables()) == []


def add_indexes(count: int) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        for number in range(count):
            index = {"key": ["slug S"], "ProjectionType": "KEYS_ONLY"}
            tables[TENANTS]["indexes"][f"by-new-{number}"] = index

    return change


def change_key(tables: Tables) -> None:
    tables[TENANTS]["key"] = ["id S"]


def change_key_type(tables: Tables) -> None:
    tables[TENANTS]["key"] = [column.replace(" S", " N") for column in tables[TENANTS]["key"]]


def change_ttl(tables: Tables) -> None:
    tables[TENANTS]["ttl"] = "expires"


def switch_off_ttl(tables: Tables) -> None:
    tables[TENANTS]["ttl"] = None


def add_local_index(tables: Tables) -> None:
    tables[TENANTS]["local_indexes"] = [{"IndexName": "by-slug"}]


def rename_table(tables: Tables) -> None:
    tables[TENANTS]["name"] = "tenantry-${Stage}-clients"


def change_logical_id(tables: Tables) -> None:
    tables["ClientsTable"] = tables.pop(TENANTS)


def change_projection(tables: Tables) -> None:
    tables[TENANTS]["indexes"]["by-name"]["ProjectionType"] = "ALL"


def replace_index(tables: Tables) -> None:
    indexes: dict[str, Any] = tables[TENANTS]["indexes"]
    indexes["by-title"] = indexes.pop("by-name")


@pytest.mark.parametrize(
    "change",
    [
        add_indexes(2),
        change_key,
        change_key_type,
        change_ttl,
        switch_off_ttl,
        add_local_index,
        rename_table,
        change_logical_id,
        change_projection,
        replace_index,
    ],
)
def test_an_undeployable_change_is_reported(change: Callable[[Tables], None]) -> None:
    changed = copy.deepcopy(released_tables())
    change(changed)
    assert len(undeployable_changes(released_tables(), changed)) == 1


def test_one_new_index_and_new_tables_are_deployable() -> None:
    changed = copy.deepcopy(released_tables())
    add_indexes(1)(changed)
    changed["WebhooksTable"] = {
        "name": "tenantry-${Stage}-webhooks",
        "key": ["id S"],
        "ttl": None,
        "local_indexes": [],
        "indexes": {},
    }
    assert undeployable_changes(released_tables(), changed) == []
