"""The audit trail: every change writes an entry in its own transaction."""

from typing import Any

import pytest

from tests.support.people import PASSWORD, People


def entries(people: People, action: str) -> list[dict[str, Any]]:
    listed = people.admin.api.get("/v1/audit?limit=100").json["data"]
    return [entry for entry in listed if entry["action"] == action]


def test_an_edit_is_recorded_with_old_and_new_values_and_source(people: People) -> None:
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}"
    people.admin.api.patch(path, {"company_name": "New Name", "is_active": True})
    (entry,) = entries(people, "reseller.edited")
    assert entry["actor"] == people.admin.user_id
    assert entry["source_ip"] == "127.0.0.1"
    assert entry["target"] == entry["reseller_id"] == account.reseller_id
    assert entry["before"] == {"company_name": "Company 1"}
    assert entry["after"] == {"company_name": "New Name"}


def test_a_refused_change_leaves_no_entry(people: People) -> None:
    first, second = people.reseller(), people.reseller()
    path = f"/v1/resellers/{second.reseller_id}"
    refused = people.admin.api.patch(path, {"slug": "company-1", "company_name": "Other"})
    assert refused.code == "slug_taken"
    assert entries(people, "reseller.edited") == []
    assert first.reseller_id


def test_an_edit_that_changes_nothing_leaves_no_entry(people: People) -> None:
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}"
    assert people.admin.api.patch(path, {"company_name": "Company 1"}).status == 200
    assert entries(people, "reseller.edited") == []


def test_license_movements_are_recorded_only_in_the_ledger(people: People) -> None:
    account = people.reseller(licenses=2)
    before = len(people.admin.api.get("/v1/audit?limit=100").json["data"])
    path = f"/v1/resellers/{account.reseller_id}"
    people.admin.api.patch(path, {"license_count": 5})
    people.admin.api.post(f"{path}/license-adjustments", {"change": 1, "reason": "Gift"})
    tenant = account.api.post(f"{path}/tenants", {"name": "Bakery"}).json["id"]
    account.api.delete(f"{path}/tenants/{tenant}")
    account.api.post(f"{path}/tenants/{tenant}/restore")
    assert len(people.admin.api.get("/v1/audit?limit=100").json["data"]) == before
    assert len(account.api.get(f"{path}/ledger").json["data"]) == 6


@pytest.mark.parametrize("change", ["deactivate", "reactivate"])
def test_tenant_changes_without_license_movement_are_audited(people: People, change: str) -> None:
    account = people.reseller(licenses=1)
    path = "/v1/resellers/me/tenants"
    tenant = account.api.post(path, {"name": "Bakery"}).json["id"]
    account.api.post(f"{path}/{tenant}/deactivate")
    account.api.post(f"{path}/{tenant}/{change}")
    listed = account.api.get("/v1/resellers/me/audit").json["data"]
    assert listed[0]["action"] == f"tenant.{change}d"
    assert listed[0]["after"] == {"is_active": change == "reactivate"}


def test_resellers_see_their_own_entries_without_admin_addresses(people: People) -> None:
    first, second = people.reseller(), people.reseller()
    people.admin.api.patch(f"/v1/resellers/{first.reseller_id}", {"company_name": "One"})
    people.admin.api.patch(f"/v1/resellers/{second.reseller_id}", {"company_name": "Two"})
    listed = first.api.get("/v1/resellers/me/audit").json["data"]
    assert [entry["action"] for entry in listed] == ["reseller.edited", "reseller.created"]
    assert {entry["reseller_id"] for entry in listed} == {first.reseller_id}
    assert listed[0]["source_ip"] is None
    assert second.api.get(f"/v1/resellers/{first.reseller_id}/audit").status == 404


def test_entries_are_listed_by_month_in_pages(people: People) -> None:
    for _ in range(3):
        people.reseller()
    api = people.admin.api
    whole = api.get("/v1/audit?limit=100").json["data"]
    first = api.get("/v1/audit?limit=2").json
    second = api.get(f"/v1/audit?limit=100&cursor={first['next_cursor']}").json
    assert first["data"] + second["data"] == whole
    assert api.get("/v1/audit?month=2001-01").json["data"] == []
    assert api.get("/v1/audit?month=2001-13").code == "invalid_request"


def test_passwords_are_not_recorded(people: People) -> None:
    user = people.reseller().user_id
    people.admin.api.patch(f"/v1/users/{user}", {"password": "another fine passphrase"})
    text = people.admin.api.get("/v1/audit?limit=100").text
    assert "another fine passphrase" not in text
    assert PASSWORD not in text
    assert "argon2" not in text
    (entry,) = entries(people, "user.edited")
    assert entry["after"] == {"password_hash": "(hidden)"}
