"""Notices mailed to resellers, each exactly once."""

from datetime import timedelta

import pytest

from chalicelib.services.mail import outbox, reseller_notices
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from infra.local.schedule import run_now
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.mail import mails_to, send_due_mail
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay


def create_tenants(seller: Person, number: int) -> list[str]:
    made = []
    for n in range(number):
        reply = seller.api.post("/v1/resellers/me/tenants", {"name": f"T{n}"})
        assert reply.status == 201, reply.text
        made.append(reply.json["id"])
    return made


def subjects(seller: Person) -> list[str]:
    return [message["subject"] for message in mails_to(seller.email)]


def test_a_low_license_notice_is_sent_once_per_drop(people: People) -> None:
    """The threshold is 3."""
    seller = people.reseller(licenses=6)
    tenants = create_tenants(seller, 2)
    assert subjects(seller) == []
    tenants += create_tenants(seller, 1)
    low = "3 licenses left for Company 1"
    assert subjects(seller) == [low]
    tenants += create_tenants(seller, 2)
    assert subjects(seller) == [low]
    create_tenants(seller, 1)
    none = "No licenses left for Company 1"
    assert subjects(seller) == [low, none]
    for tenant in tenants[:3]:
        seller.api.delete(f"/v1/resellers/me/tenants/{tenant}")
    assert subjects(seller) == [low, none], "no notice when the supply recovers"
    for tenant in tenants[3:4]:
        seller.api.delete(f"/v1/resellers/me/tenants/{tenant}")
    create_tenants(seller, 1)
    assert subjects(seller) == [low, none, low]


def test_a_new_reseller_without_licenses_gets_no_notice(people: People) -> None:
    seller = people.reseller(licenses=0)
    run_now("reconcile")
    assert subjects(seller) == []


def test_reconciliation_sends_a_notice_that_a_crash_prevented(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = people.reseller(licenses=4)
    with monkeypatch.context() as crashed:
        crashed.setattr(reseller_notices, "_report_level", lambda _: 1 / 0)
        create_tenants(seller, 1)
    assert subjects(seller) == []
    run_now("reconcile")
    run_now("reconcile")
    assert subjects(seller) == ["3 licenses left for Company 1"]


def test_lowering_the_total_sends_a_notice(people: People) -> None:
    seller = people.reseller(licenses=9)
    path = f"/v1/resellers/{seller.reseller_id}"
    edited = people.admin.api.patch(path, {"license_count": 2})
    assert subjects(seller) == ["2 licenses left for Company 1"]
    again = people.admin.api.get(path)
    assert again.headers["ETag"] == edited.headers["ETag"]


def test_purchases_and_refunds_send_notices(people: People, stripe: StripeSimulator) -> None:
    seller = people.reseller(licenses=50)
    bought = buy_and_pay(seller, stripe, 10)
    (paid,) = mails_to(seller.email)
    assert paid["subject"] == "Your 10 licenses for Company 1"
    assert "$200.00" in paid["text"]
    path = f"/v1/resellers/{seller.reseller_id}/purchases/{bought['id']}/refunds"
    people.admin.api.post(path, {"licenses": 4, "reason": "Too many"})
    settle(read_purchase(str(seller.reseller_id), bought["id"]))
    refunded = mails_to(seller.email)[-1]
    assert refunded["subject"] == "4 licenses taken back from Company 1"
    assert len(mails_to(seller.email)) == 2
    assert "refunded" in refunded["text"]


def test_deactivating_and_reactivating_send_notices(people: People) -> None:
    seller = people.reseller(licenses=50)
    path = f"/v1/resellers/{seller.reseller_id}"
    for is_active in (False, False, True):
        people.admin.api.patch(path, {"is_active": is_active})
    assert subjects(seller) == ["Company 1 was deactivated", "Company 1 is active again"]
    assert "you cannot sign in" in mails_to(seller.email)[0]["text"]


def test_failing_mail_does_not_fail_the_operation(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = people.reseller(licenses=4)
    monkeypatch.setattr(outbox, "_send_with_ses", lambda _: 1 / 0)
    create_tenants(seller, 1)
    assert send_due_mail().failed == 1
    assert timedelta(0) < outbox.FIRST_RETRY_DELAY
