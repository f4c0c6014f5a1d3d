"""The sweep: settles what no webhook did.

First the purchases that are not settled, then every session that Stripe made in the window,
whether or not a purchase row knows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from chalicelib import clock
from chalicelib.errors import TenantryError
from chalicelib.observability import count, logger
from chalicelib.services.settlement import ForeignSession, settle
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.reads import get

WINDOW = timedelta(days=3)


@dataclass
class SweepReport:
    looked_at: int = 0
    settled: int = 0
    licenses_moved: int = 0
    unknown_sessions: int = 0
    failed: int = 0


def sweep() -> SweepReport:
    """Settle everything that may have been missed. One failure doesn't stop the rest."""
    report = SweepReport()
    seen: set[str] = set()
    for purchase, session_id in _candidates(report):
        if purchase.id in seen:
            continue
        seen.add(purchase.id)
        _settle_one(purchase, session_id, report)
    return report


def _candidates(report: SweepReport) -> Iterator[tuple[Purchase, str | None]]:
    for keys in Purchase.unsettled_index.query(UNSETTLED):
        purchase = get(Purchase, keys.reseller_id, keys.id)
        if purchase is not None:
            yield purchase, None
    from chalicelib.payments.checkout import sessions_since

    for owner in sessions_since(clock.now() - WINDOW):
        if not (owner.purchase_id and owner.reseller_id):
            continue  # another product's session in the same Stripe account
        purchase = get(Purchase, owner.reseller_id, owner.purchase_id)
        if purchase is None:
            report.unknown_sessions += 1
            count("SessionsWithoutPurchase")
            logger.error("A session without a purchase", extra=vars_of(owner))
        else:
            yield purchase, owner.session_id


def vars_of(owner: object) -> dict[str, object]:
    return {name: getattr(owner, name) for name in ("session_id", "purchase_id", "reseller_id")}


def _settle_one(purchase: Purchase, session_id: str | None, report: SweepReport) -> None:
    report.looked_at += 1
    before = purchase.version
    try:
        settled = settle(purchase, session_id=session_id)
    except (TenantryError, ForeignSession):
        report.failed += 1
        logger.exception("The sweep could not settle", extra={"purchase_id": purchase.id})
        return
    report.settled += settled.purchase.version != before
    report.licenses_moved += settled.granted
