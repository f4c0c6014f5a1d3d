"""An admin accepts a payment that doesn't match its quote."""

import re
from typing import Any

import pytest

from chalicelib.services.purchases import accept_payment
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.aws_faults import AwsFaults
from tests.support.page_client import signed_in
from tests.support.people import People, Person


class QuarantinedPurchase:
    """A purchase of 10 licenses, quoted at 150.00 but paid with 200.00."""

    def __init__(self, people: People, stripe: StripeSimulator) -> None:
        self.seller: Person = people.reseller()
        bought = self.seller.api.post("/v1/resellers/me/purchases", {"quantity": 10}).json
        self.id = bought["id"]
        self.api = people.admin.api
        self.path = f"/v1/resellers/{self.seller.reseller_id}/purchases/{self.id}"
        self.session_id = bought["checkout_url"].rsplit("/", 1)[1]
        table_edits.edit(self.row(), total=15_000)
        stripe.pay(self.session_id)
        assert settle(self.row()).purchase.status == "quarantined"

    def row(self) -> Purchase:
        return read_purchase(str(self.seller.reseller_id), self.id)

    def accept(self, **options: Any) -> Any:
        return self.api.post(f"{self.path}/accept", {"reason": "Agreed by phone"}, **options)

    def acceptance_entries(self) -> list[AuditEntry]:
        return [e for e in AuditEntry.scan() if e.action == "purchase.accepted"]


@pytest.fixture
def quarantined(people: People, stripe: StripeSimulator) -> QuarantinedPurchase:
    return QuarantinedPurchase(people, stripe)


def test_an_accepted_payment_grants_licenses(
    quarantined: QuarantinedPurchase, stripe: StripeSimulator
) -> None:
    done = quarantined.accept()
    assert done.status == 200, done.text
    assert (done.json["status"], done.json["licenses_granted"]) == ("paid", 10)
    assert done.json["amount_paid"] == 20_000
    (entry,) = quarantined.acceptance_entries()
    assert (entry.reason, entry.after) == ("Agreed by phone", {"accepted": 20_000})
    assert quarantined.row().unsettled is None
    body = {"licenses": 10, "reason": "All of it"}
    refunded = quarantined.api.post(f"{quarantined.path}/refunds", body).json
    assert (refunded["status"], refunded["amount_refunded"]) == ("refunded", 20_000)
    purchase_fixtures.check_invariants()


def test_a_payment_is_accepted_only_once(quarantined: QuarantinedPurchase) -> None:
    first = quarantined.accept(key="a")
    again = quarantined.accept(key="a")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first.json
    assert quarantined.accept().json["licenses_granted"] == 10
    assert len(quarantined.acceptance_entries()) == 1
    purchase_fixtures.check_invariants()


def test_two_admins_can_accept_a_payment_at_the_same_time(
    quarantined: QuarantinedPurchase, aws_faults: AwsFaults
) -> None:
    """The second acceptance starts after the reads of the first and finishes before its write."""
    aws_faults.before(lambda: quarantined.accept())
    late = quarantined.accept()
    assert (late.status, late.json["licenses_granted"]) == (200, 10), late.text
    assert len(quarantined.acceptance_entries()) == 1
    purchase_fixtures.check_invariants()


@pytest.mark.parametrize("recovery", ["same key", "sweep"])
def test_a_crash_after_accepting_is_recovered(
    quarantined: QuarantinedPurchase, monkeypatch: pytest.MonkeyPatch, recovery: str
) -> None:
    def crash(*_: Any, **options: Any) -> Any:
        if options.get("once") is not None:
            raise RuntimeError("crashed")
        return settle(*_, **options)

    with monkeypatch.context() as patch:
        patch.setattr(accept_payment, "settle", crash)
        assert quarantined.accept(key="a").status == 500
    assert quarantined.row().accepted == 20_000
    if recovery == "sweep":
        run_sweep()
    else:
        assert quarantined.accept(key="a").json["licenses_granted"] == 10
    assert (quarantined.row().status, quarantined.row().licenses_granted) == ("paid", 10)
    assert quarantined.row().unsettled is None
    assert len(quarantined.acceptance_entries()) == 1
    purchase_fixtures.check_invariants()


def test_refunded_or_foreign_currency_payments_cannot_be_accepted(
    quarantined: QuarantinedPurchase, people: People, stripe: StripeSimulator
) -> None:
    assert (
        quarantined.seller.api.post(f"{quarantined.path}/accept", {"reason": "Mine"}).status == 403
    )
    stripe.refund(quarantined.session_id)
    refused = quarantined.accept()
    assert refused.status == 422
    assert "waiting to be accepted" in refused.json["errors"][0]["message"]
    other = QuarantinedPurchase(people, stripe)
    table_edits.edit(other.row(), currency="eur")
    refused = other.accept()
    assert (refused.status, other.row().licenses_granted) == (422, 0)
    assert "in its own currency" in refused.json["errors"][0]["message"]
    assert quarantined.acceptance_entries() == []


def test_accepting_a_payment_on_the_admin_page(
    quarantined: QuarantinedPurchase, people: People
) -> None:
    admin = signed_in(people.admin)
    path = f"/admin/purchases/{quarantined.id}"
    page = admin.get(path)
    words = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
    assert "The amount was $200.00; the quote was $150.00." in words
    assert "refund it in Stripe’s dashboard" in words
    assert (
        f"https://dashboard.stripe.com/test/payments/{quarantined.row().payment_intent_id}"
        in page.text
    )
    assert "Add 10 licenses for $200.00" in words
    empty = admin.submit(page, "?action=accept", reason="")
    assert empty.status == 422
    assert 'id="accept-reason-error"' in empty.text
    done = admin.follow(admin.submit(page, "?action=accept", reason="Agreed by phone"))
    assert "Accepted: 10 licenses granted." in done.text
    assert "Accept what was paid" not in done.text
    late = admin.submit(page, "?action=accept", reason="Again")
    assert "Accepted" in admin.follow(late).text
    assert len(quarantined.acceptance_entries()) == 1
