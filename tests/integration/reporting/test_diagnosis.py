"""The checklist of why no tenant can be created: what does not pass says why and what to do."""

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


def diagnosis(people: People, seller: Person) -> Any:
    reply = people.admin.api.get(f"/v1/resellers/{seller.reseller_id}/diagnosis")
    assert reply.status == 200, reply.text
    return reply.json


def failed(answer: Any) -> list[str]:
    return [check["check"] for check in answer["checks"] if not check["passed"]]


def test_everything_is_in_order(people: People) -> None:
    seller = people.reseller(licenses=5)
    answer = seller.api.get("/v1/resellers/me/diagnosis").json
    assert failed(answer) == []
    assert answer["can_create_tenants"]
    assert answer["message"] == "Everything is in order: new tenants can be created."
    assert all(check["next_step"] is None for check in answer["checks"])


def test_no_licenses(people: People) -> None:
    seller = people.reseller(licenses=0)
    answer = diagnosis(people, seller)
    assert failed(answer) == ["licenses_available"]
    assert not answer["can_create_tenants"]
    assert "0 of 0 licenses are available" in answer["message"]
    assert "/reseller/licenses" in answer["message"]


def test_deactivated(people: People) -> None:
    seller = people.reseller(licenses=5, is_active=False)
    assert failed(diagnosis(people, seller)) == ["reseller_active", "user_active"]


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [("reseller_id", None, "user_linked"), ("is_active", False, "user_active")],
)
def test_the_user(people: People, column: str, value: Any, check: str) -> None:
    seller = people.reseller(licenses=5)
    user = get(User, seller.user_id)
    assert user is not None
    table_edits.edit(user, **{column: value})
    assert failed(diagnosis(people, seller)) == [check]


def test_counters(people: People) -> None:
    seller = people.reseller(licenses=5)
    account = get(Reseller, str(seller.reseller_id))
    assert account is not None
    table_edits.edit(account, license_used=7)
    answer = diagnosis(people, seller)
    assert failed(answer) == ["licenses_available", "not_over_allocated", "counts_match"]
    assert "license_used is 7, 0 tenants hold a license" in answer["message"]


def test_a_payment_under_way_and_a_silent_webhook(people: People, frozen: TestClock) -> None:
    seller = people.reseller(licenses=5)
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 2})
    answer = diagnosis(people, seller)
    assert failed(answer) == ["no_checkout_pending"]
    assert answer["can_create_tenants"]
    frozen.advance(timedelta(hours=2))
    account = get(Reseller, str(seller.reseller_id))
    assert account is not None
    late = [check.check for check in diagnose(account).checks if not check.passed]
    assert late == ["no_checkout_pending", "webhook_seen"]
