"""The platform settings API."""

from datetime import timedelta

import pytest

from chalicelib import clock
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from infra.local import table_edits
from tests.conftest import TestClock
from tests.support.people import People

NEW_TIERS = [{"from": 1, "unit_amount": 3000}, {"from": 5, "unit_amount": 1000}]


def test_a_new_installation_has_the_initial_prices(people: People) -> None:
    settings = people.admin.api.get("/v1/settings")
    assert settings.json["price_tiers"] == [
        {"from": 1, "unit_amount": 2500},
        {"from": 10, "unit_amount": 2000},
        {"from": 50, "unit_amount": 1750},
        {"from": 100, "unit_amount": 1500},
    ]
    assert settings.json["restrict_inactive_resellers"] is True
    assert settings.headers["ETag"] == '"0"'


def test_new_prices_increment_the_version_and_open_purchases_keep_theirs(people: People) -> None:
    buyer = people.reseller()
    before = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 5}).json
    edited = people.admin.api.patch("/v1/settings", {"price_tiers": NEW_TIERS})
    assert (edited.status, edited.json["tiers_version"]) == (200, 2)
    assert edited.json["price_tiers"] == NEW_TIERS
    pricing = buyer.api.get("/v1/pricing").json
    assert (pricing["price_tiers"], pricing["tiers_version"]) == (NEW_TIERS, 2)
    kept = buyer.api.get(f"/v1/resellers/me/purchases/{before['id']}").json
    assert (kept["unit_amount"], kept["tiers_version"]) == (2500, 1)
    after = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 6}).json
    assert (after["unit_amount"], after["tiers_version"]) == (1000, 2)


def test_saving_the_same_prices_does_not_increment_the_version(people: People) -> None:
    people.admin.api.patch("/v1/settings", {"price_tiers": NEW_TIERS})
    again = people.admin.api.patch("/v1/settings", {"price_tiers": NEW_TIERS})
    assert again.json["tiers_version"] == 2


def test_the_audit_trail_keeps_all_price_tiers(people: People) -> None:
    people.admin.api.patch("/v1/settings", {"price_tiers": NEW_TIERS, "low_license_threshold": 7})
    people.admin.api.patch("/v1/settings", {"price_tiers": NEW_TIERS[:1]})
    second, first = (
        entry
        for entry in people.admin.api.get("/v1/audit").json["data"]
        if entry["action"] == "settings.edited"
    )
    assert first["after"]["price_tiers"] == second["before"]["price_tiers"] == {"tiers": NEW_TIERS}
    assert (first["after"]["tiers_version"], second["after"]["tiers_version"]) == (2, 3)
    assert first["after"]["low_license_threshold"] == 7


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"from": 2, "unit_amount": 100}],
        [{"from": 1, "unit_amount": 0}],
        [{"from": 1, "unit_amount": -5}],
        [{"from": 1, "unit_amount": 100.5}],
        [{"from": 1, "unit_amount": "100"}],
        [{"from": 1, "unit_amount": 100}, {"from": 1, "unit_amount": 50}],
        [{"from": 1, "unit_amount": 100}, {"from": 9, "unit_amount": 50}, {"from": 5}],
        [{"from": 1, "unit_amount": 100, "to": 5}],
        None,
    ],
)
def test_invalid_price_tiers_are_refused(people: People, tiers: object) -> None:
    refused = people.admin.api.patch("/v1/settings", {"price_tiers": tiers})
    assert refused.code == "invalid_request"
    assert refused.json["errors"][0]["field"].startswith("price_tiers")
    assert people.admin.api.get("/v1/settings").json["version"] == 0


def test_if_match_works_from_the_first_edit_on(people: People) -> None:
    api = people.admin.api
    threshold = {"low_license_threshold": 9}
    assert api.patch("/v1/settings", threshold, if_match='"0"').status == 200
    assert api.patch("/v1/settings", threshold, if_match='"0"').code == "version_conflict"
    changed = api.patch("/v1/settings", {"support_email": "help@example.com"}, if_match='"1"')
    assert changed.json["version"] == 2
    cleared = api.patch("/v1/settings", {"support_email": None})
    assert (cleared.json["support_email"], cleared.json["low_license_threshold"]) == (None, 9)


def test_a_change_by_another_process_is_seen_within_a_minute(
    people: People, frozen: TestClock
) -> None:
    """The cache uses the wall clock: a monotonic clock stops while Lambda freezes a process."""
    people.admin.api.patch("/v1/settings", {"low_license_threshold": 77})
    api = people.admin.api.as_(None)
    assert api.get("/v1/pricing").json["tiers_version"] == 1
    table_edits.edit(PlatformSettings(PLATFORM), tiers_version=2)
    assert api.get("/v1/pricing").json["tiers_version"] == 1, "the settings are cached"
    frozen.advance(timedelta(minutes=1))
    assert api.get("/v1/pricing").json["tiers_version"] == 2


def test_setting_the_clock_back_does_not_extend_caching(frozen: TestClock) -> None:
    before = frozen.now()
    assert clock.is_recent(before, timedelta(seconds=30))
    frozen.advance(timedelta(hours=-1))
    assert not clock.is_recent(before, timedelta(seconds=30))


def test_the_sign_in_restriction_takes_effect_at_once(people: People) -> None:
    inactive = people.reseller(is_active=False)
    login = {"email": inactive.email, "password": "correct horse battery"}
    assert people.admin.api.post("/v1/login", login).code == "reseller_inactive"
    people.admin.api.patch("/v1/settings", {"restrict_inactive_resellers": False})
    assert people.admin.api.post("/v1/login", login).status == 200
    assert inactive.api.get("/v1/me").status == 200
    people.admin.api.patch("/v1/settings", {"restrict_inactive_resellers": True})
    assert inactive.api.get("/v1/me").code == "unauthenticated"
