"""Deactivating, reactivating, deleting, and restoring tenants, and the effects on licenses."""

from datetime import timedelta

import pytest
from pynamodb.models import Model

from chalicelib.services.tenants.lifecycle import RESTORABLE
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from tests.conftest import TestClock
from tests.support.api import Reply
from tests.support.aws_faults import AwsFaults
from tests.support.people import People, Person
from tests.support.platform_settings import set_switches
from tests.support.tenants import (
    TENANTS,
    create_tenant,
    create_tenant_id,
    delete_tenant,
    licenses_used,
    post_action,
    tenant_names,
)


@pytest.fixture
def account(people: People) -> Person:
    return people.reseller(licenses=2)


def test_a_deactivated_tenant_keeps_its_license(people: People) -> None:
    account = people.reseller(licenses=1)
    tenant = create_tenant_id(account)
    off = post_action(account, tenant, "deactivate").json
    assert (off["is_active"], off["holds_license"]) == (False, True)
    assert licenses_used(account) == 1
    assert create_tenant(account, "Other").code == "licenses_exhausted"
    assert post_action(account, tenant, "reactivate").json["is_active"] is True
    assert licenses_used(account) == 1


def test_repeating_an_action_changes_nothing(account: Person) -> None:
    tenant = create_tenant_id(account)
    for verb in ("deactivate", "reactivate"):
        once = post_action(account, tenant, verb).json
        assert post_action(account, tenant, verb).json == once
    assert licenses_used(account) == 1
    delete_tenant(account, tenant)
    delete_tenant(account, tenant)
    assert licenses_used(account) == 0
    restored = post_action(account, tenant, "restore").json
    assert post_action(account, tenant, "restore").json == restored
    assert licenses_used(account) == 1


def test_with_the_setting_off_deactivating_frees_the_license(people: People) -> None:
    account = people.reseller(licenses=1)
    set_switches(deactivated_tenants_hold_license=False)
    first = create_tenant_id(account, "First")
    assert post_action(account, first, "deactivate").json["holds_license"] is False
    assert licenses_used(account) == 0
    second = create_tenant_id(account, "Second")
    refused = post_action(account, first, "reactivate")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert account.api.get(f"{TENANTS}/{first}").json["is_active"] is False
    delete_tenant(account, second)
    back = post_action(account, first, "reactivate").json
    assert (back["is_active"], back["holds_license"]) == (True, True)
    assert licenses_used(account) == 1


@pytest.mark.parametrize("before", [True, False])
def test_changing_the_setting_never_frees_or_takes_a_license_twice(
    account: Person, before: bool
) -> None:
    """`holds_license` records the effect of the setting at the time the tenant was deactivated."""
    set_switches(deactivated_tenants_hold_license=before)
    tenant = create_tenant_id(account)
    post_action(account, tenant, "deactivate")
    assert licenses_used(account) == int(before)
    set_switches(deactivated_tenants_hold_license=not before)
    post_action(account, tenant, "deactivate")
    assert licenses_used(account) == int(before)
    post_action(account, tenant, "reactivate")
    assert licenses_used(account) == 1
    post_action(account, tenant, "deactivate")
    delete_tenant(account, tenant)
    assert licenses_used(account) == 0
    assert post_action(account, tenant, "restore").json["holds_license"] is True
    assert licenses_used(account) == 1


def test_deleting_frees_the_license_and_the_slug_at_once(people: People) -> None:
    account = people.reseller(licenses=1)
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    assert licenses_used(account) == 0
    assert tenant_names(account) == []
    gone = account.api.get(f"{TENANTS}/{tenant}").json
    assert gone["deleted_at"] is not None
    assert gone["purge_at"] is not None
    assert (gone["holds_license"], tenant_names(account, "status=deleted")) == (False, ["Bakery"])
    assert create_tenant(account, slug="bakery").status == 201


@pytest.mark.parametrize("verb", ["deactivate", "reactivate"])
def test_a_deleted_tenant_cannot_be_changed(account: Person, verb: str) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    assert post_action(account, tenant, verb).code == "not_found"
    assert account.api.patch(f"{TENANTS}/{tenant}", {"name": "X"}).code == "not_found"
    assert account.api.patch(f"{TENANTS}/{tenant}", {}).code == "not_found"


def test_a_restored_tenant_is_active_and_holds_a_license(account: Person) -> None:
    tenant = create_tenant_id(account)
    post_action(account, tenant, "deactivate")
    delete_tenant(account, tenant)
    back = post_action(account, tenant, "restore").json
    assert (back["is_active"], back["holds_license"]) == (True, True)
    assert (back["deleted_at"], back["purge_at"]) == (None, None)
    assert licenses_used(account) == 1
    assert create_tenant(account, slug="bakery").code == "slug_taken"


def test_restoring_without_an_unused_license_is_refused(people: People) -> None:
    account = people.reseller(licenses=1)
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    create_tenant_id(account, "Other")
    refused = post_action(account, tenant, "restore")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert licenses_used(account) == 1


def test_restoring_is_refused_while_the_slug_is_taken(account: Person) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    other = create_tenant_id(account, "Other", slug="bakery")
    refused = post_action(account, tenant, "restore")
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert licenses_used(account) == 1
    delete_tenant(account, other)
    assert post_action(account, tenant, "restore").status == 200


def test_a_tenant_can_be_restored_under_another_slug(people: People) -> None:
    account = people.reseller(licenses=3)
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    create_tenant_id(account, "Other", slug="bakery")
    path = f"{TENANTS}/{tenant}/restore"
    assert account.api.post(path, {"slug": "Not a slug"}).code == "invalid_request"
    back = account.api.post(path, {"slug": "bakery-two"}).json
    assert (back["slug"], back["deleted_at"]) == ("bakery-two", None)
    assert create_tenant(account, slug="bakery-two").code == "slug_taken"
    assert licenses_used(account) == 2
    delete_tenant(account, tenant)
    assert create_tenant(account, slug="bakery-two").status == 201


def test_restoring_under_a_taken_slug_is_refused(account: Person) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    create_tenant_id(account, "Other", slug="taken")
    refused = account.api.post(f"{TENANTS}/{tenant}/restore", {"slug": "taken"})
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert licenses_used(account) == 1
    assert create_tenant(account, slug="bakery").status == 201  # the old slug is still free


def test_restoring_needs_an_active_reseller(people: People, account: Person) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    path = f"/v1/resellers/{account.reseller_id}"
    people.admin.api.patch(path, {"is_active": False})
    refused = people.admin.api.post(f"{path}/tenants/{tenant}/restore")
    assert (refused.status, refused.code) == (409, "reseller_inactive")


@pytest.mark.parametrize("operation", ["read", "restore", "delete", "edit"])
def test_an_expired_tenant_is_not_found_even_while_its_row_exists(
    people: People, account: Person, frozen: TestClock, operation: str
) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    path = f"/v1/resellers/{account.reseller_id}/tenants/{tenant}"

    def attempt() -> Reply:
        people.admin.__dict__.pop("api", None)  # the session has expired
        api = people.admin.api
        match operation:
            case "read":
                return api.get(path)
            case "restore":
                return api.post(f"{path}/restore")
            case "delete":
                return api.delete(path)
        return api.patch(path, {"name": "X"})

    frozen.advance(RESTORABLE)
    assert attempt().code == "not_found"
    frozen.advance(-timedelta(minutes=1))
    assert attempt().status == {"read": 200, "restore": 200, "delete": 204, "edit": 404}[operation]


def test_a_row_that_expires_during_a_restore_is_not_recreated(
    account: Person, aws_faults: AwsFaults
) -> None:
    """DynamoDB's TTL deletes the row between the read and the write. No license is taken."""
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    row = get(Tenant, account.reseller_id or "", tenant)
    assert row is not None
    aws_faults.before(lambda: Model.delete(row))
    assert post_action(account, tenant, "restore").code == "not_found"
    assert licenses_used(account) == 0


def test_a_wrong_counter_does_not_block_a_deletion(people: People, account: Person) -> None:
    """Someone set license_used to 0 in the console. Reconciliation repairs the counter later."""
    tenant = create_tenant_id(account)
    row = get(Reseller, account.reseller_id or "")
    assert row is not None
    Model.update(row, [Reseller.license_used.set(0)])
    delete_tenant(account, tenant)
    licenses = account.api.get("/v1/resellers/me/licenses").json
    assert licenses["license_used"] == 0
    assert account.api.get(f"{TENANTS}/{tenant}").json["holds_license"] is False
