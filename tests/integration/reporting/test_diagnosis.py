"""The diagnosis of a reseller's account: each failed check states the reason and the next step."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.services.reporting.diagnosis import diagnose
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.users import User
from infra.local import table_edits
from tests.conftest import TestClock
from tests.support.people import People, Person


def read_diagnosis(people: People, seller: Person) -> Any:
    reply = people.admin.api.get(f"/v1/resellers/{seller.reseller_id}/diagnosis")
    assert reply.status == 200, reply.text
    return reply.json


def failed_checks(answer: Any) -> list[str]:
    return [check["check"] for check in answer["checks"] if not check["passed"]]


def test_a_healthy_reseller_passes_every_check(people: People) -> None:
    seller = people.reseller(licenses=5)
    answer = seller.api.get("/v1/resellers/me/diagnosis").json
    assert failed_checks(answer) == []
    assert answer["can_create_tenants"]
    assert answer["message"] == "Everything is in order: new tenants can be created."
    assert all(check["next_step"] is None for check in answer["checks"])


def test_a_reseller_without_licenses_fails_the_license_check(people: People) -> None:
    seller = people.reseller(licenses=0)
    answer = read_diagnosis(people, seller)
    assert failed_checks(answer) == ["licenses_available"]
    assert not answer["can_create_tenants"]
    assert "0 of 0 licenses are available" in answer["message"]
    assert "/reseller/licenses" in answer["message"]


def test_a_deactivated_reseller_fails_two_checks(people: People) -> None:
    seller = people.reseller(licenses=5, is_active=False)
    assert failed_checks(read_diagnosis(people, seller)) == ["reseller_active", "user_active"]


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [("reseller_id", None, "user_linked"), ("is_active", False, "user_active")],
)
def test_an_unlinked_or_inactive_user_fails_its_check(
    people: People, column: str, value: Any, check: str
) -> None:
    seller = people.reseller(licenses=5)
    user = get(User, seller.user_id)
    assert user is not None
    table_edits.edit(user, **{column: value})
    assert failed_checks(read_diagnosis(people, seller)) == [check]


def test_a_wrong_counter_fails_its_checks(people: People) -> None:
    seller = people.reseller(licenses=5)
    account = get(Reseller, str(seller.reseller_id))
    assert account is not None
    table_edits.edit(account, license_used=7)
    answer = read_diagnosis(people, seller)
    assert failed_checks(answer) == ["licenses_available", "not_over_allocated", "counts_match"]
    assert "license_used is 7, 0 tenants hold a license" in answer["message"]


def test_a_pending_payment_and_a_silent_webhook_fail_their_checks(
    people: People, frozen: TestClock
) -> None:
    seller = people.reseller(licenses=5)
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 2})
    answer = read_diagnosis(people, seller)
    assert failed_checks(answer) == ["no_checkout_pending"]
    assert answer["can_create_tenants"]
    frozen.advance(timedelta(hours=2))
    account = get(Reseller, str(seller.reseller_id))
    assert account is not None
    late = [check.check for check in diagnose(account).checks if not check.passed]
    assert late == ["no_checkout_pending", "webhook_seen"]
