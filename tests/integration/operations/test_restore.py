"""`make restore`: missing rows are restored, and newer rows are kept."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.storage.tenants import Tenant
from infra import restore
from infra.local import table_edits
from tests.support import purchase_fixtures
from tests.support.people import People, Person

TABLE = "tenantry-dev-tenants"


@pytest.fixture
def seller(people: People) -> Person:
    seller = people.reseller(licenses=5)
    for name in ("Blue", "Red", "Green"):
        create(seller, name)
    return seller


@pytest.fixture
def restored(seller: Person) -> Iterator[Any]:
    """A restored copy of the current table, created as docs/runbook.md describes."""
    client = boto3.client("dynamodb")
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    client.restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName=f"{TABLE}-{restore.RESTORED}"
    )
    yield client
    client.delete_table(TableName=f"{TABLE}-{restore.RESTORED}")


def create(seller: Person, name: str) -> Tenant:
    reply = seller.api.post("/v1/resellers/me/tenants", {"name": name})
    assert reply.status == 201, reply.text
    return tenant(seller, reply.json["id"])


def tenant(seller: Person, tenant_id: str) -> Tenant:
    return Tenant.get(str(seller.reseller_id), tenant_id, consistent_read=True)


def tenants(seller: Person) -> list[Tenant]:
    return list(Tenant.query(str(seller.reseller_id), consistent_read=True))


def by_id() -> dict[str, Any]:
    return {row["id"]: row for row in purchase_fixtures.rows("tenants")}


def run_restore(only: str = "", *, overwrite: bool = False, confirmed: bool = True) -> int:
    return restore.restore_rows(TABLE, only, overwrite=overwrite, confirm=lambda: confirmed)


def test_missing_rows_are_restored_and_reconciliation_finds_nothing(
    people: People, seller: Person, restored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = by_id()
    for row in tenants(seller)[:2]:
        table_edits.remove(row)
    later = create(seller, "Later")
    assert run_restore() == 0
    assert "2 rows missing, 0 different" in capsys.readouterr().out
    after = by_id()
    assert after.pop(later.id)
    assert after == before
    report = people.admin.api.post("/v1/reconciliations", {}).json
    assert report["status"] == "finished"
    assert report["found"] == {}
    assert run_restore() == 0
    assert "There is nothing to restore." in capsys.readouterr().out


def test_different_rows_are_replaced_only_with_overwrite(seller: Person, restored: Any) -> None:
    row = tenants(seller)[0]
    table_edits.edit(row, name="Damaged", contact_email=None)
    assert run_restore() == 0
    assert tenant(seller, row.id).name == "Damaged"
    assert run_restore(overwrite=True) == 0
    again = tenant(seller, row.id)
    assert (again.name, again.version) == (row.name, row.version + 1)
    assert run_restore(overwrite=True) == 0
    assert tenant(seller, row.id).version == again.version


def test_a_single_partition_can_be_restored(people: People, seller: Person, restored: Any) -> None:
    row = tenants(seller)[0]
    table_edits.remove(row)
    assert run_restore("rsl_another") == 0
    assert len(tenants(seller)) == 2
    assert run_restore(str(seller.reseller_id)) == 0
    assert len(tenants(seller)) == 3


def test_nothing_is_written_without_confirmation(seller: Person, restored: Any) -> None:
    table_edits.remove(tenants(seller)[0])
    assert run_restore(confirmed=False) == 0
    assert len(tenants(seller)) == 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_row_changed_since_the_comparison_is_not_overwritten(
    seller: Person, restored: Any, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    """Another writer creates or changes the row between the comparison and the write."""
    row = tenants(seller)[0]
    stored = table_edits.read_item(row)
    if overwrite:
        table_edits.edit(row, name="Damaged")
    else:
        table_edits.remove(row)
    original = restore._put

    def write_after_change(*arguments: Any) -> bool:
        table_edits.put(row, {**stored, "name": {"S": "Newer"}, "version": {"N": "9"}})
        return original(*arguments)

    monkeypatch.setattr(restore, "_put", write_after_change)
    assert run_restore(overwrite=overwrite) == 1
    assert tenant(seller, row.id).name == "Newer"
