"""Rows that reconciliation finds something about: at least one of every kind."""

from datetime import timedelta

from chalicelib.services.purchases.settlement import settle
from chalicelib.storage.claims import Claim
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.users import User
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import reseller_of, tenants_of
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay

GONE = "rsl_01JD0000000000000000000000"


def damage_everything(people: People, stripe: StripeSimulator, clock: TestClock) -> None:
    _damage_purchases(people, stripe, clock)
    _damage_counters(people)
    _damage_tenants(people)
    _damage_links(people)


def _seller(people: People, *tenants: str) -> Person:
    seller = people.reseller(licenses=5)
    for name in tenants:
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    return seller


def _damage_counters(people: People) -> None:
    edited = _seller(people, "One", "Two")
    table_edits.edit(reseller_of(edited), license_used=4, license_count=9)
    full = _seller(people, "Three", "Four", "Five")
    table_edits.edit(reseller_of(full), license_count=1)


def _damage_tenants(people: People) -> None:
    active, deleted = (_seller(people, name) for name in ("Active", "Deleted"))
    table_edits.edit(tenants_of(active)[0], holds_license=False)
    (tenant,) = tenants_of(deleted)
    deleted.api.delete(f"/v1/resellers/me/tenants/{tenant.id}")
    table_edits.edit(tenant, holds_license=True)
    orphaned = _seller(people, "Orphan & Co")
    table_edits.duplicate(
        tenants_of(orphaned)[0], reseller_id=GONE, id="tnt_01JD0ORPHAN000000000000000"
    )
    renamed = _seller(people, "Renamed")
    table_edits.edit(tenants_of(renamed)[0], slug="another")
    copied = _seller(people, "Copied")
    table_edits.duplicate(tenants_of(copied)[0], id="tnt_01JD0000C0PY00000000000000")
    unclaimed = people.reseller(licenses=1)
    table_edits.remove(Claim(f"slug:{reseller_of(unclaimed).slug}"))


def _user_of(seller: Person) -> User:
    user = get(User, seller.user_id)
    assert user is not None
    return user


def _damage_links(people: People) -> None:
    unlinked, orphaned, stolen, other = (people.reseller(licenses=1) for _ in range(4))
    table_edits.edit(_user_of(unlinked), reseller_id=None)
    table_edits.remove(_user_of(orphaned))
    table_edits.edit(_user_of(stolen), reseller_id=str(other.reseller_id))
    lost = people.user()
    table_edits.edit(_user_of(lost), reseller_id=GONE)
    table_edits.duplicate(_user_of(people.user()), id="usr_01JD0000C0PY00000000000000")


def _purchase_of(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def _damage_purchases(people: People, stripe: StripeSimulator, clock: TestClock) -> None:
    for name, break_it in _PURCHASES.items():
        seller = people.reseller(licenses=2)
        if name in ("unpaid", "unlisted", "paid twice"):
            seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
        else:
            buy_and_pay(seller, stripe, 10, deliver=name != "uncredited")
        break_it(seller, stripe)
    # A later sweep has not run: the checkouts have expired, and the sessions are not new.
    clock.advance(timedelta(days=2))


def _paid_by_row_only(seller: Person, stripe: StripeSimulator) -> None:
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "purchase":
            table_edits.remove(entry)


def _charged_back(seller: Person, stripe: StripeSimulator) -> None:
    stripe.open_dispute(str(_purchase_of(seller).session_id))


def _failing(seller: Person, stripe: StripeSimulator) -> None:
    table_edits.edit(_purchase_of(seller), status="failed")


def _misstated(seller: Person, stripe: StripeSimulator) -> None:
    table_edits.edit(_purchase_of(seller), licenses_granted=8)


def _copied(seller: Person, stripe: StripeSimulator) -> None:
    table_edits.duplicate(_purchase_of(seller), id="pur_01JD0000C0PY00000000000000")


def _lost(seller: Person, stripe: StripeSimulator) -> None:
    table_edits.remove(_purchase_of(seller))


def _unlisted(seller: Person, stripe: StripeSimulator) -> None:
    row = _purchase_of(seller)
    stripe.pay(str(row.session_id))
    table_edits.edit(row, session_id=None, checkout_url=None, status="failed", unsettled=None)


def _quarantined(seller: Person, stripe: StripeSimulator) -> None:
    table_edits.edit(
        _purchase_of(seller), total=15_000, status="pending", paid_at=None, credited_at=None
    )
    settle(_purchase_of(seller))


def _paid_twice(seller: Person, stripe: StripeSimulator) -> None:
    first = str(_purchase_of(seller).session_id)
    table_edits.edit(_purchase_of(seller), session_id=None, checkout_url=None, checkout_attempt=1)
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    for session_id in (first, str(_purchase_of(seller).session_id)):
        stripe.pay(session_id)
    settle(_purchase_of(seller), session_id=first)


def _nothing(seller: Person, stripe: StripeSimulator) -> None:
    pass


_PURCHASES = {
    "uncredited": _nothing,
    "unpaid": _nothing,
    "unlogged": _paid_by_row_only,
    "charged back": _charged_back,
    "failing": _failing,
    "misstated": _misstated,
    "copied": _copied,
    "lost": _lost,
    "unlisted": _unlisted,
    "quarantined": _quarantined,
    "paid twice": _paid_twice,
}
