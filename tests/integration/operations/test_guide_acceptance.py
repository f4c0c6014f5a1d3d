"""A payment that is not as quoted, and the admin's word that lets it count."""

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
from tests.support.page_client import signed_in
from tests.support.people import People, Person


class Held:
    """10 licenses, quoted at 150.00, for which 200.00 were paid."""

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

    def accepted_lines(self) -> list[AuditEntry]:
        return [e for e in AuditEntry.scan() if e.action == "purchase.accepted"]


@pytest.fixture
def held(people: People, stripe: StripeSimulator) -> Held:
    return Held(people, stripe)


def test_it_counts_from_then_on(held: Held, stripe: StripeSimulator) -> None:
    done = held.accept()
    assert done.status == 200, done.text
    assert (done.json["status"], done.json["licenses_granted"]) == ("paid", 10)
    assert done.json["amount_paid"] == 20_000
    (line,) = held.accepted_lines()
    assert (line.reason, line.after) == ("Agreed by phone", {"accepted": 20_000})
    assert held.row().unsettled is None
    body = {"licenses": 10, "reason": "All of it"}
    refunded = held.api.post(f"{held.path}/refunds", body).json
    assert (refunded["status"], refunded["amount_refunded"]) == ("refunded", 20_000)
    purchase_fixtures.check_invariants()


def test_once_by_key_and_without(held: Held) -> None:
    first = held.accept(key="a")
    again = held.accept(key="a")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first.json
    assert held.accept().json["licenses_granted"] == 10
    assert len(held.accepted_lines()) == 1
    purchase_fixtures.check_invariants()


@pytest.mark.parametrize("rescue", ["same key", "sweep"])
def test_a_crash_after_the_word_is_given(
    held: Held, monkeypatch: pytest.MonkeyPatch, rescue: str
) -> None:
    def crash(*_: Any, **options: Any) -> Any:
        if options.get("once") is not None:
            raise RuntimeError("crashed")
        return settle(*_, **options)

    with monkeypatch.context() as broken:
        broken.setattr(accept_payment, "settle", crash)
        assert held.accept(key="a").status == 500
    assert held.row().accepted == 20_000
    if rescue == "sweep":
        run_sweep()
    else:
        assert held.accept(key="a").json["licenses_granted"] == 10
    assert (held.row().status, held.row().licenses_granted) == ("paid", 10)
    assert held.row().unsettled is None
    assert len(held.accepted_lines()) == 1
    purchase_fixtures.check_invariants()


def test_what_there_is_nothing_to_accept_of(
    held: Held, people: People, stripe: StripeSimulator
) -> None:
    assert held.seller.api.post(f"{held.path}/accept", {"reason": "Mine"}).status == 403
    stripe.refund(held.session_id)
    refused = held.accept()
    assert refused.status == 422
    assert "waits to be accepted" in refused.json["errors"][0]["message"]
    other = Held(people, stripe)
    table_edits.edit(other.row(), currency="eur")
    refused = other.accept()
    assert (refused.status, other.row().licenses_granted) == (422, 0)
    assert "in its currency" in refused.json["errors"][0]["message"]
    assert held.accepted_lines() == []


def test_by_clicking(held: Held, people: People) -> None:
    admin = signed_in(people.admin)
    where = f"/admin/purchases/{held.id}"
    page = admin.get(where)
    words = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
    assert "The amount was $200.00, the quote $150.00." in words
    assert "refund it in Stripe’s dashboard" in words
    assert f"https://dashboard.stripe.com/test/payments/{held.row().payment_intent_id}" in page.text
    assert "Add 10 licenses for $200.00" in words
    empty = admin.submit(page, "/accept", reason="")
    assert empty.status == 422
    assert 'id="reason-error"' in empty.text
    done = admin.follow(admin.submit(page, "/accept", reason="Agreed by phone"))
    assert "Accepted: 10 licenses granted." in done.text
    assert "Accept what was paid" not in done.text
    late = admin.submit(page, "/accept", reason="Once more")
    assert "Accepted" in admin.follow(late).text
    assert len(held.accepted_lines()) == 1
