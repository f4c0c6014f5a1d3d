"""Resellers, their licenses, and their ledger."""

import pytest

from chalicelib.storage.claims import owner_of
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import slug_claim
from chalicelib.storage.users import User
from tests.support.api import Reply
from tests.support.aws_faults import AwsFaults
from tests.support.people import People, Person

RESELLERS = "/v1/resellers"


def create(people: People, **fields: object) -> Reply:
    return people.admin.api.post(RESELLERS, {"company_name": "Acme", "slug": "acme", **fields})


def edit(people: People, account: Person, **fields: object) -> Reply:
    return people.admin.api.patch(f"{RESELLERS}/{account.reseller_id}", fields)


def pool_of(people: People, account: Person) -> tuple[int, int]:
    licenses = people.admin.api.get(f"{RESELLERS}/{account.reseller_id}/licenses").json
    assert licenses["license_available"] == licenses["license_count"] - licenses["license_used"]
    return licenses["license_count"], licenses["license_used"]


def ledger(people: People, account: Person) -> list[tuple[str, int, int]]:
    """Return (kind, count_change, used_change) for each ledger entry, oldest first."""
    entries = people.admin.api.get(f"{RESELLERS}/{account.reseller_id}/ledger?limit=100").json
    return [(e["kind"], e["count_change"], e["used_change"]) for e in reversed(entries["data"])]


@pytest.mark.parametrize("by", ["user_id", "user_email"])
def test_a_reseller_is_created_by_user_id_or_email(people: People, by: str) -> None:
    user = people.user()
    named = user.user_id if by == "user_id" else user.email.upper()
    made = create(people, **{by: named, "license_count": 5})
    assert made.status == 201, made.text
    reseller = made.json
    assert made.headers["Location"].endswith(f"{RESELLERS}/{reseller['id']}")
    assert {k: reseller[k] for k in reseller if k not in ("id", "created_at", "updated_at")} == {
        "user_id": user.user_id,
        "company_name": "Acme",
        "slug": "acme",
        "license_count": 5,
        "license_used": 0,
        "license_available": 5,
        "over_allocated": False,
        "is_active": True,
        "branding_config": {},
        "version": 1,
    }
    assert people.admin.api.get(f"{RESELLERS}/{reseller['id']}").json == reseller
    assert user.api.get(f"{RESELLERS}/me").json == reseller
    linked = people.admin.api.get(f"/v1/users/{user.user_id}").json
    assert (linked["reseller_id"], linked["version"]) == (reseller["id"], 2)


def test_a_new_reseller_has_no_licenses_by_default(people: People) -> None:
    reseller = create(people, user_id=people.user().user_id).json
    assert (reseller["license_count"], reseller["is_active"]) == (0, True)
    listed = people.admin.api.get(f"{RESELLERS}/{reseller['id']}/ledger").json
    assert listed == {"data": [], "next_cursor": None}


@pytest.mark.parametrize(
    "who",
    [
        {},
        {"user_id": "usr_none"},
        {"user_email": "nobody@example.com"},
        {"user_id": "usr_none", "user_email": "nobody@example.com"},
        {"user_id": None},
        {"user_id": ""},
        {"user_id": "x" * 65},
    ],
)
def test_a_reseller_requires_one_existing_user(people: People, who: dict[str, object]) -> None:
    refused = create(people, **who)
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert owner_of(slug_claim("acme")) is None


def test_a_user_can_have_only_one_reseller_account(people: People) -> None:
    account = people.reseller()
    refused = create(people, user_id=account.user_id)
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert "already" in refused.json["errors"][0]["message"]


def test_concurrent_creation_gives_a_user_one_account(
    people: People, aws_faults: AwsFaults
) -> None:
    user = people.user()
    aws_faults.before(lambda: create(people, user_id=user.user_id, slug="first"))
    refused = create(people, user_id=user.user_id, slug="second")
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert owner_of(slug_claim("second")) is None
    assert len(people.admin.api.get(RESELLERS).json["data"]) == 1


def test_a_slug_belongs_to_one_reseller(people: People) -> None:
    people.reseller()
    refused = create(people, user_id=people.user().user_id, slug="company-1")
    assert (refused.status, refused.code) == (409, "slug_taken")


def test_changing_the_slug_frees_the_old_one(people: People) -> None:
    account = people.reseller()
    assert edit(people, account, slug="new-slug").json["slug"] == "new-slug"
    assert create(people, user_id=people.user().user_id, slug="company-1").status == 201
    refused = edit(people, account, slug="company-1")
    assert (refused.status, refused.code) == (409, "slug_taken")


def test_an_admin_edits_the_license_count(people: People) -> None:
    account = people.reseller(licenses=2)
    account.api.post(f"{RESELLERS}/me/tenants", {"name": "Bakery"})
    assert edit(people, account, license_count=5).json["license_count"] == 5
    assert pool_of(people, account) == (5, 1)
    assert edit(people, account, license_count=1).json["license_available"] == 0
    assert ledger(people, account) == [
        ("allocation", 2, 0),
        ("tenant_created", 0, 1),
        ("allocation", 3, 0),
        ("revocation", -4, 0),
    ]


def test_the_license_count_cannot_fall_below_usage(people: People) -> None:
    account = people.reseller(licenses=2)
    account.api.post(f"{RESELLERS}/me/tenants", {"name": "Bakery"})
    refused = edit(people, account, license_count=0, company_name="Other")
    assert (refused.status, refused.code) == (409, "license_count_below_used")
    assert people.admin.api.get(f"{RESELLERS}/{account.reseller_id}").json["version"] == 2


def test_license_count_and_other_fields_change_in_one_edit(people: People) -> None:
    account = people.reseller(licenses=2)
    edited = edit(people, account, license_count=3, company_name="Other", slug="other").json
    assert (edited["license_count"], edited["company_name"], edited["slug"]) == (
        3,
        "Other",
        "other",
    )
    assert edited["version"] == 2


def test_license_adjustments(people: People) -> None:
    account = people.reseller(licenses=1)
    path = f"{RESELLERS}/{account.reseller_id}/license-adjustments"
    given = people.admin.api.post(path, {"change": 5, "reason": "Goodwill"})
    assert given.status == 201
    entry = given.json
    assert (entry["count_change"], entry["used_change"], entry["kind"]) == (5, 0, "allocation")
    assert (entry["reason"], entry["actor"]) == ("Goodwill", people.admin.user_id)
    taken = people.admin.api.post(path, {"change": -6, "reason": "Mistake"})
    assert (taken.status, taken.json["kind"]) == (201, "revocation")
    assert pool_of(people, account) == (0, 0)
    refused = people.admin.api.post(path, {"change": -1, "reason": "More"})
    assert (refused.status, refused.code) == (409, "license_count_below_used")

    where = given.headers["Location"].split("8000", 1)[1]
    (found,) = people.admin.api.get(where).json["data"]
    assert found == entry


@pytest.mark.parametrize("change", [1, -1])
def test_concurrent_adjustments_both_apply(
    people: People, aws_faults: AwsFaults, change: int
) -> None:
    account = people.reseller(licenses=5)
    path = f"{RESELLERS}/{account.reseller_id}/license-adjustments"
    aws_faults.before(lambda: people.admin.api.post(path, {"change": 10, "reason": "Concurrent"}))
    assert people.admin.api.post(path, {"change": change, "reason": "This"}).status == 201
    assert pool_of(people, account) == (15 + change, 0)


def test_an_edit_and_a_concurrent_tenant_creation_both_apply(
    people: People, aws_faults: AwsFaults
) -> None:
    account = people.reseller(licenses=5)
    aws_faults.before(lambda: account.api.post(f"{RESELLERS}/me/tenants", {"name": "Bakery"}))
    assert edit(people, account, license_count=1).status == 200
    assert pool_of(people, account) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"change": 0, "reason": "Nothing"},
        {"change": 10_000_001, "reason": "Absurd"},
        {"change": -10_000_001, "reason": "Absurd"},
        {"change": 1.5, "reason": "Half"},
        {"change": "1", "reason": "Text"},
        {"change": True, "reason": "Bool"},
        {"change": 1},
        {"change": 1, "reason": ""},
        {"change": 1, "reason": "   "},
        {"change": 1, "reason": "x" * 501},
    ],
)
def test_invalid_adjustments_are_refused(people: People, body: dict[str, object]) -> None:
    account = people.reseller(licenses=1)
    path = f"{RESELLERS}/{account.reseller_id}/license-adjustments"
    assert people.admin.api.post(path, body).code == "invalid_request"
    assert pool_of(people, account) == (1, 0)


@pytest.mark.parametrize("by", ["user_id", "user_email"])
def test_an_account_moves_to_another_user(people: People, by: str) -> None:
    account, successor = people.reseller(), people.user()
    named = successor.user_id if by == "user_id" else successor.email.upper()
    assert account.api.get(f"{RESELLERS}/me").status == 200
    assert successor.api.get(f"{RESELLERS}/me").status == 404

    assert edit(people, account, **{by: named}).json["user_id"] == successor.user_id

    assert successor.api.get(f"{RESELLERS}/me").json["id"] == account.reseller_id
    assert account.api.get(f"{RESELLERS}/me").status == 404, "the account has moved"
    assert account.api.get(f"{RESELLERS}/{account.reseller_id}").status == 404
    linked = [get(User, person.user_id) for person in (account, successor)]
    assert [user and user.reseller_id for user in linked] == [None, account.reseller_id]
    assert create(people, user_id=account.user_id).status == 201, "the previous user is free again"


@pytest.mark.parametrize("who", ["itself", "taken", "unknown"])
def test_an_account_moves_only_to_an_existing_user_without_one(people: People, who: str) -> None:
    account, other = people.reseller(), people.reseller()
    user_id = {"itself": account.user_id, "taken": other.user_id, "unknown": "usr_none"}[who]
    reply = edit(people, account, user_id=user_id, company_name="Edited")
    assert reply.status == (200 if who == "itself" else 422)
    reseller = people.admin.api.get(f"{RESELLERS}/{account.reseller_id}").json
    assert reseller["user_id"] == account.user_id
    assert reseller["company_name"] == ("Edited" if who == "itself" else "Company 1")


def test_an_account_moves_to_a_user_named_once(people: People) -> None:
    account, user = people.reseller(), people.user()
    both = edit(people, account, user_id=user.user_id, user_email=user.email)
    assert both.json["errors"][0]["message"] == "Send either user_id or user_email."
    unknown = edit(people, account, user_email="nobody@example.com")
    assert unknown.json["errors"][0]["field"] == "user_email"
    assert {both.status, unknown.status} == {422}
    same = edit(people, account, user_email=account.email)
    assert (same.status, same.json["version"]) == (200, 1)


def test_two_accounts_cannot_move_to_one_user_concurrently(
    people: People, aws_faults: AwsFaults
) -> None:
    first, second, user = people.reseller(), people.reseller(), people.user()
    aws_faults.before(lambda: edit(people, first, user_id=user.user_id))
    refused = edit(people, second, user_id=user.user_id)
    assert (refused.status, refused.code) == (422, "invalid_request")
    owner = get(User, second.user_id)
    assert owner is not None
    assert owner.reseller_id == second.reseller_id, "the link is unchanged"


def test_a_deactivated_reseller_keeps_its_tenants_and_creates_none(people: People) -> None:
    account = people.reseller(licenses=2)
    path = f"{RESELLERS}/{account.reseller_id}/tenants"
    tenant = people.admin.api.post(path, {"name": "Bakery"}).json
    edit(people, account, is_active=False)
    refused = people.admin.api.post(path, {"name": "Cafe"})
    assert (refused.status, refused.code) == (409, "reseller_inactive")
    assert people.admin.api.get(f"{path}/{tenant['id']}").json["is_active"] is True
    edit(people, account, is_active=True)
    assert people.admin.api.post(path, {"name": "Cafe"}).status == 201


def test_resellers_are_listed_by_name_and_searched_by_prefix(people: People) -> None:
    for name, slug in (("beta", "beta"), ("Alpha", "alpha"), ("ÄLPLER", "alpler"), ("Al", "aal")):
        create(people, user_id=people.user().user_id, company_name=name, slug=slug)
    listed = people.admin.api.get(RESELLERS).json["data"]
    assert [r["company_name"] for r in listed] == ["Al", "Alpha", "beta", "ÄLPLER"]
    found = people.admin.api.get(f"{RESELLERS}?search=aL").json["data"]
    assert [r["company_name"] for r in found] == ["Al", "Alpha"]
    found = people.admin.api.get(f"{RESELLERS}?search=%C3%A4l").json["data"]
    assert [r["company_name"] for r in found] == ["ÄLPLER"]


def test_a_renamed_company_is_found_by_its_new_name(people: People) -> None:
    account = people.reseller()
    edit(people, account, company_name="Zenith")
    assert len(people.admin.api.get(f"{RESELLERS}?search=zen").json["data"]) == 1
    assert people.admin.api.get(f"{RESELLERS}?search=company").json["data"] == []


def test_a_ledger_entry_is_visible_only_to_its_own_reseller(people: People) -> None:
    first, second = people.reseller(licenses=1), people.reseller(licenses=2)
    (entry,) = first.api.get(f"{RESELLERS}/me/ledger").json["data"]
    path = f"{RESELLERS}/me/ledger?entry={entry['id']}"
    assert first.api.get(path).json["data"] == [entry]
    assert second.api.get(path).json["data"] == []


def test_me_is_the_callers_own_account_on_admin_routes_too(people: People) -> None:
    account = people.reseller(licenses=1)
    people.admin.api.patch(f"/v1/users/{account.user_id}", {"is_super_admin": True})
    assert account.api.patch(f"{RESELLERS}/me", {"license_count": 3}).json["license_count"] == 3
    assert people.admin.api.patch(f"{RESELLERS}/me", {"license_count": 3}).status == 404
