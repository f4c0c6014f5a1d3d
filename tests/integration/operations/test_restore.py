"""`make restore`: what a restored table has comes back, and nothing newer goes."""

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
    """The table as it is now, restored beside it as docs/runbook.md says."""
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
    made = seller.api.post("/v1/resellers/me/tenants", {"name": name})
    assert made.status == 201, made.text
    return tenant(seller, made.json["id"])


def tenant(seller: Person, tenant_id: str) -> Tenant:
    return Tenant.get(str(seller.reseller_id), tenant_id, consistent_read=True)


def tenants(seller: Person) -> list[Tenant]:
    return list(Tenant.query(str(seller.reseller_id), consistent_read=True))


def by_id() -> dict[str, Any]:
    return {row["id"]: row for row in purchase_fixtures.rows("tenants")}


def run_restore(only: str = "", *, overwrite: bool = False, yes: bool = True) -> int:
    return restore.restore_rows(TABLE, only, overwrite=overwrite, confirm=lambda: yes)


def test_rows_that_are_gone_come_back_and_everything_agrees(
    people: People, seller: Person, restored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = by_id()
    for row in tenants(seller)[:2]:
        table_edits.remove(row)
    later = create(seller, "Later")
    assert run_restore() == 0
    assert "2 rows gone, 0 different" in capsys.readouterr().out
    after = by_id()
    assert after.pop(later.id)
    assert after == before
    report = people.admin.api.post("/v1/reconciliations", {}).json
    assert report["status"] == "finished"
    assert report["found"] == {}
    assert run_restore() == 0
    assert "There is nothing to put back." in capsys.readouterr().out


def test_rows_that_differ_are_written_over_only_where_it_is_asked(
    seller: Person, restored: Any
) -> None:
    row = tenants(seller)[0]
    table_edits.edit(row, name="Damaged", contact_email=None)
    assert run_restore() == 0
    assert tenant(seller, row.id).name == "Damaged"
    assert run_restore(overwrite=True) == 0
    again = tenant(seller, row.id)
    assert (again.name, again.version) == (row.name, row.version + 1)
    assert run_restore(overwrite=True) == 0
    assert tenant(seller, row.id).version == again.version


def test_one_partition_alone(people: People, seller: Person, restored: Any) -> None:
    row = tenants(seller)[0]
    table_edits.remove(row)
    assert run_restore("rsl_another") == 0
    assert len(tenants(seller)) == 2
    assert run_restore(str(seller.reseller_id)) == 0
    assert len(tenants(seller)) == 3


def test_nothing_is_written_without_a_yes(seller: Person, restored: Any) -> None:
    table_edits.remove(tenants(seller)[0])
    assert run_restore(yes=False) == 0
    assert len(tenants(seller)) == 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_who_was_faster_is_not_written_over(
    seller: Person, restored: Any, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    """Between comparing and writing somebody puts the row there, or changes it."""
    row = tenants(seller)[0]
    stored = table_edits.read_item(row)
    if overwrite:
        table_edits.edit(row, name="Damaged")
    else:
        table_edits.remove(row)
    put = restore._put

    def late(*arguments: Any) -> bool:
        table_edits.put(row, {**stored, "name": {"S": "Newer"}, "version": {"N": "9"}})
        return put(*arguments)

    monkeypatch.setattr(restore, "_put", late)
    assert run_restore(overwrite=overwrite) == 1
    assert tenant(seller, row.id).name == "Newer"
