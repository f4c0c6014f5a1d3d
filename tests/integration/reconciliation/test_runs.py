"""Reconciliation runs: scheduled, manual, and resumed."""

import pytest
from pynamodb.models import BatchWrite

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.services.reconciliation import runs
from chalicelib.storage.rows import new_id
from chalicelib.storage.tenants import Tenant
from infra.local import table_edits
from infra.local.schedule import run_now
from tests.integration.reconciliation.admin_client import AdminClient, reseller_of
from tests.support.people import People, Person


def test_only_repairs_enabled_in_the_settings_are_automatic(
    seller: Person, reconciliation: AdminClient
) -> None:
    changed = reconciliation.api.patch("/v1/settings", {"automatic_repairs": ["orphan_claim"]})
    assert changed.status == 200, changed.text
    table_edits.edit(reseller_of(seller), license_used=4)
    assert reconciliation.run(apply=True)["repaired"] == {}
    assert reseller_of(seller).license_used == 4


def test_sync_returns_the_counters_before_and_after_and_the_reason(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(reseller_of(seller), license_used=4)
    path = f"/v1/resellers/{seller.reseller_id}/sync"
    dry = reconciliation.api.post(path, {}).json
    assert (dry["applied"], dry["before"]["license_used"], dry["after"]["license_used"]) == (
        False,
        4,
        2,
    )
    assert "license_used is 4, 2 tenants hold a license" in dry["why"]
    done = reconciliation.api.post(path, {"apply": True}, key="k").json
    assert done["applied"]
    assert reseller_of(seller).license_used == 2
    assert reconciliation.api.post(path, {"apply": True}, key="k").json == done
    assert not reconciliation.api.post(path, {"apply": True}).json["applied"]
    assert seller.api.post(path, {"apply": True}).status == 403


def test_sync_limits_the_number_of_findings_returned(
    seller: Person, reconciliation: AdminClient
) -> None:
    """If the request has an idempotency key, its whole response must fit in one row."""
    with BatchWrite(Tenant) as batch:
        for number in range(60):
            row = Tenant(
                str(seller.reseller_id),
                new_id("tnt"),
                name="x" * 200,
                name_key=f"{number}",
                slug=f"tenant-{number}",
                holds_license=False,
            )
            row.created_at = row.updated_at = clock.now()
            batch.save(row)
    reply = reconciliation.api.post(f"/v1/resellers/{seller.reseller_id}/sync", {}, key="k")
    assert reply.status == 200, reply.text
    assert (reply.json["found"], len(reply.json["findings"])) == (62, 50)
    assert {f["code"] for f in reply.json["findings"][:1]} == {"used_mismatch"}


def test_the_hourly_run_makes_safe_repairs(seller: Person) -> None:
    table_edits.edit(reseller_of(seller), license_used=4)
    report = run_now("reconcile")
    assert (report["scope"], report["status"]) == ("partial", "finished")
    assert report["repaired"] == {"used_mismatch": 1}


def test_an_unreadable_row_does_not_block_other_resellers(
    seller: Person, people: People, reconciliation: AdminClient
) -> None:
    other = people.reseller(licenses=5)
    row = reseller_of(seller)
    table_edits.put(row, table_edits.read_item(row) | {"license_used": {"S": "three"}})
    table_edits.edit(reseller_of(other), license_used=3)
    report = reconciliation.run(apply=True)
    assert report["repaired"] == {"used_mismatch": 1}
    assert str(seller.reseller_id) in report["notes"][0]


@pytest.mark.usefixtures("seller")
def test_a_run_resumes_where_it_stopped(people: People) -> None:
    sellers = [people.reseller(licenses=1) for _ in range(2)]
    for one in sellers:
        table_edits.edit(reseller_of(one), license_used=1)
    report = runs.start_run("whole", apply=True, by=Actor("schedule"), seconds_left=lambda: 0.0)
    assert (report.status, report.resellers) == ("running", 1)
    rounds = 0
    while (left := runs.resume_run(lambda: 0.0)) is not None and left.status == "running":
        rounds += 1
        assert rounds < 50
    done = runs.read_report(report.id)
    assert (done.status, done.resellers, done.repaired) == ("finished", 3, {"used_mismatch": 2})
