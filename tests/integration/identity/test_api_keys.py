"""API keys: scopes, secrets, rotation, and limits on what keys can do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.services.reconciliation import scheduled
from chalicelib.storage.credentials import Credential
from chalicelib.storage.rows import iso
from tests.conftest import TestClock
from tests.support.api import Api
from tests.support.people import People, Person

RESELLER_KEYS = "/v1/resellers/me/api-keys"
ADMIN_KEYS = "/v1/api-keys"


def new_key(api: Api, path: str, *scopes: str, **more: Any) -> Any:
    made = api.post(path, {"name": "ERP", "scopes": list(scopes), **more})
    assert made.status == 201, made.text
    return made.json


def with_key(person: Person, *scopes: str, path: str = RESELLER_KEYS) -> Api:
    return person.api.as_(new_key(person.api, path, *scopes)["key"])


def test_a_key_is_shown_once_and_stored_hashed(people: People) -> None:
    someone = people.reseller()
    made = new_key(someone.api, RESELLER_KEYS, "read")
    key_id, _, secret = made["key"].partition(".")
    assert key_id == made["id"]
    assert len(secret) >= 43
    listed = someone.api.get(RESELLER_KEYS)
    assert secret not in listed.text
    assert listed.json["data"][0] == {k: v for k, v in made.items() if k != "key"}
    assert secret not in str(Credential.get(key_id).to_simple_dict())


def test_replaying_a_creation_returns_the_same_key(people: People) -> None:
    someone = people.reseller()
    body = {"name": "ERP", "scopes": ["read"]}
    first = someone.api.post(RESELLER_KEYS, body, key="once")
    again = someone.api.post(RESELLER_KEYS, body, key="once")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert someone.api.as_(again.json["key"]).get("/v1/me").status == 200
    assert len(someone.api.get(RESELLER_KEYS).json["data"]) == 1


def test_old_and_new_keys_both_work_until_the_old_one_is_revoked(people: People) -> None:
    someone = people.reseller()
    old, new = (
        new_key(someone.api, RESELLER_KEYS, "read"),
        new_key(someone.api, RESELLER_KEYS, "read"),
    )
    apis = [someone.api.as_(made["key"]) for made in (old, new)]
    assert [api.get("/v1/me").status for api in apis] == [200, 200]
    assert someone.api.delete(f"{RESELLER_KEYS}/{old['id']}").status == 204
    assert [api.get("/v1/me").status for api in apis] == [401, 200]
    assert someone.api.delete(f"{RESELLER_KEYS}/{old['id']}").status == 404


def test_a_key_expires(people: People, frozen: TestClock) -> None:
    someone = people.reseller()
    in_an_hour = iso(clock.now() + timedelta(hours=1))
    api = someone.api.as_(new_key(someone.api, RESELLER_KEYS, "read", expires_at=in_an_hour)["key"])
    frozen.advance(timedelta(minutes=59))
    assert api.get("/v1/me").status == 200
    frozen.advance(timedelta(minutes=1))
    assert api.get("/v1/me").status == 401


@pytest.mark.parametrize(
    "expires_at",
    [
        *("2001-01-01T00:00:00Z", "2099-01-01T00:00:00", "soon", 5),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_an_expiry_must_be_in_the_future(people: People, expires_at: object) -> None:
    body = {"name": "ERP", "scopes": ["read"], "expires_at": expires_at}
    refused = people.reseller().api.post(RESELLER_KEYS, body)
    assert refused.json["errors"][0]["field"] == "expires_at"


@pytest.mark.parametrize("scopes", [[], ["everything"], ["session"], "read", None])
def test_scopes_must_be_known(people: People, scopes: object) -> None:
    refused = people.reseller().api.post(RESELLER_KEYS, {"name": "ERP", "scopes": scopes})
    assert refused.code == "invalid_request"


def test_a_key_has_no_idle_timeout_and_records_its_last_use(
    people: People, frozen: TestClock
) -> None:
    someone = people.reseller()
    api = with_key(someone, "read")
    frozen.advance(timedelta(hours=11))
    assert api.get("/v1/me").status == 200
    used_at = iso(clock.now())
    frozen.advance(timedelta(minutes=1))
    assert api.get("/v1/me").status == 200
    row = Credential.get(str(api.token).partition(".")[0])
    assert iso(row.used_at) == used_at


def test_a_resellers_key_can_access_only_that_reseller(people: People) -> None:
    first, second = people.reseller(), people.reseller()
    api = with_key(first, "read")
    assert api.get(f"/v1/resellers/{first.reseller_id}").status == 200
    assert api.get(f"/v1/resellers/{second.reseller_id}").status == 404
    assert second.api.get(f"/v1/resellers/{first.reseller_id}/api-keys").status == 404


def test_keys_of_other_owners_cannot_be_revoked(people: People) -> None:
    first, second = people.reseller(), people.reseller()
    made = new_key(first.api, RESELLER_KEYS, "read")
    session = str(second.api.token).partition(".")[0]
    assert second.api.delete(f"{RESELLER_KEYS}/{made['id']}").status == 404
    assert second.api.delete(f"{RESELLER_KEYS}/{session}").status == 404
    assert people.admin.api.delete(f"{ADMIN_KEYS}/{made['id']}").status == 404
    assert first.api.as_(made["key"]).get("/v1/me").status == 200


def test_an_admins_key_can_access_every_reseller_within_its_scopes(people: People) -> None:
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}"
    reader = with_key(people.admin, "read", path=ADMIN_KEYS)
    assert reader.get(path).status == 200
    assert reader.get("/v1/users").code == "forbidden"
    assert reader.patch(path, {"license_count": 5}).code == "forbidden"
    writer = with_key(people.admin, "admin", path=ADMIN_KEYS)
    assert writer.patch(path, {"license_count": 5}).status == 200


def test_an_admin_manages_a_resellers_keys(people: People) -> None:
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}/api-keys"
    made = new_key(people.admin.api, path, "read")
    assert people.admin.api.as_(made["key"]).get("/v1/users").code == "forbidden"
    assert people.admin.api.as_(made["key"]).get("/v1/me").json["user"]["id"] == account.user_id
    assert people.admin.api.delete(f"{path}/{made['id']}").status == 204


def test_a_key_for_an_inactive_user_is_refused_without_signing_the_admin_out(
    people: People,
) -> None:
    account = people.reseller()
    people.admin.api.patch(f"/v1/users/{account.user_id}", {"is_active": False})
    path = f"/v1/resellers/{account.reseller_id}/api-keys"
    refused = people.admin.api.post(path, {"name": "ERP", "scopes": ["read"]})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "reseller")


def test_only_a_super_admins_key_can_have_the_scope_admin(people: People) -> None:
    account = people.reseller()
    body = {"name": "ERP", "scopes": ["read", "admin"]}
    for api in (account.api, people.admin.api):
        path = f"/v1/resellers/{account.reseller_id}/api-keys"
        assert api.post(path, body).json["errors"][0]["field"] == "scopes"
    assert account.api.post(ADMIN_KEYS, body).code == "forbidden"


def test_keys_cannot_create_users_admins_or_keys(people: People) -> None:
    all_scopes = ("read", "tenants", "purchases", "branding", "admin")
    key = with_key(people.admin, *all_scopes, path=ADMIN_KEYS)
    account = people.reseller()
    own = with_key(account, "read", "tenants", "purchases", "branding")
    user = f"/v1/users/{account.user_id}"
    keys = f"/v1/resellers/{account.reseller_id}/api-keys"
    for refused in (
        key.post("/v1/users", {"email": "x@example.com", "name": "X"}),
        key.patch(user, {"is_super_admin": True}),
        key.post(f"{user}/password-link"),
        key.post(ADMIN_KEYS, {"name": "K", "scopes": ["admin"]}),
        key.post(keys, {"name": "K", "scopes": ["read"]}),
        own.post(RESELLER_KEYS, {"name": "K", "scopes": ["read"]}),
        own.get(RESELLER_KEYS),
        own.get("/v1/sessions"),
        own.post("/v1/password", {"current_password": "x", "new_password": "y"}),
    ):
        assert (refused.status, refused.code) == (403, "forbidden")
    assert key.get("/v1/users").status == 200


def test_keys_of_a_former_admin_stop_working(people: People) -> None:
    admins = people.admin.api
    body = {"email": "two@example.com", "name": "Two", "is_super_admin": True}
    second = admins.post("/v1/users", {**body, "password": "correct horse battery"}).json["id"]
    login = {"email": "two@example.com", "password": "correct horse battery"}
    api = admins.as_(admins.post("/v1/login", login).json["token"])
    key = admins.as_(new_key(api, ADMIN_KEYS, "read", "admin")["key"])
    assert key.get("/v1/users").status == 200
    admins.patch(f"/v1/users/{second}", {"is_super_admin": False})
    assert key.get("/v1/users").status == 401
    assert key.get("/v1/me").status == 401
    admins.patch(f"/v1/users/{second}", {"is_super_admin": True})
    assert key.get("/v1/users").status == 401, "the key stays invalid when its owner is restored"
    assert api.get(ADMIN_KEYS).json["data"] == []


def run_at_night(_people: People) -> None:
    scheduled.handle_event({"scope": "whole", "apply": True, "by": "schedule"}, lambda: 600.0)


def run_by_admin(people: People) -> None:
    assert people.admin.api.post("/v1/reconciliations", {"apply": True}).status == 201


@pytest.mark.parametrize("run", [run_at_night, run_by_admin])
def test_a_deactivated_users_keys_stay_invalid_and_are_deleted_at_night(
    people: People, run: Callable[[People], None]
) -> None:
    """Until then, they are not listed, even if the user is active again."""
    someone, other = people.reseller(), people.reseller()
    void, kept = with_key(someone, "read"), with_key(other, "read")
    key_id = str(void.token).partition(".")[0]
    user = f"/v1/users/{someone.user_id}"
    for is_active in (False, True):
        people.admin.api.patch(user, {"is_active": is_active})
    someone.sign_in_again()
    assert void.get("/v1/me").status == 401
    assert someone.api.get(RESELLER_KEYS).json["data"] == []
    assert someone.api.delete(f"{RESELLER_KEYS}/{key_id}").status == 404
    for event in ({"scope": "partial", "apply": True}, {"scope": "whole", "apply": False}):
        scheduled.handle_event(event, lambda: 600.0)
        assert Credential.get(key_id)
    run(people)
    with pytest.raises(Credential.DoesNotExist):
        Credential.get(key_id)
    assert kept.get("/v1/me").status == 200
    assert someone.api.get("/v1/me").status == 200, "sessions are left to expire"


def test_moving_an_account_to_another_user_invalidates_its_keys(people: People) -> None:
    account = people.reseller()
    key = with_key(account, "read")
    new_user = people.admin.api.post("/v1/users", {"email": "n@example.com", "name": "N"}).json
    path = f"/v1/resellers/{account.reseller_id}"
    assert people.admin.api.patch(path, {"user_id": new_user["id"]}).status == 200
    assert key.get("/v1/me").status == 401


def test_the_audit_trail_records_which_key_made_a_change(people: People) -> None:
    account = people.reseller(licenses=1)
    made = new_key(account.api, RESELLER_KEYS, "tenants")
    api = account.api.as_(made["key"])
    tenant = api.post("/v1/resellers/me/tenants", {"name": "Bakery"}).json["id"]
    api.patch(f"/v1/resellers/me/tenants/{tenant}", {"name": "Brewery"})
    edited, created = account.api.get("/v1/resellers/me/audit").json["data"][:2]
    assert (edited["action"], edited["credential_id"]) == ("tenant.edited", made["id"])
    assert (created["action"], created["credential_id"]) == ("api_key.created", None)


def test_a_key_is_not_accepted_as_a_session_cookie(people: People) -> None:
    """Pages don't check scopes, so they must not accept keys."""
    key = new_key(people.reseller().api, RESELLER_KEYS, "read")["key"]
    api = people.admin.api.as_(None)
    page = api.get("/login", headers={"Cookie": f"__Host-session={key}"})
    assert page.status == 200
    assert "Max-Age=0" in str(page.headers)
