"""The sweep: settles what no webhook did.

It asks two parties what there is to look at. Stripe: which sessions it made, and which events
it has, since the last time; so that a lost webhook is healed however long ago the purchase was
paid, and so is a row that never learnt its session. And the sparse index: which purchases wait
for something. It keeps to its time and goes on, the next time, where it stopped.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.observability import count, logger
from chalicelib.services import refunds
from chalicelib.services.settlement import settle
from chalicelib.services.stripe_messages import find_purchase
from chalicelib.settings import settings
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.stripe_events import PROGRESS, SweepProgress

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner
    from chalicelib.payments.webhooks import StripeMessage

DEFAULT_SECONDS = 240.0
# What there is to look at the first time, or after a long silence: Stripe keeps events for 30.
LONGEST_WINDOW = timedelta(days=29)
SLICE = timedelta(days=6)  # as much of a window as is listed at once
# Looked at again the next time: what was under way, or came late into Stripe's lists.
OVERLAP = timedelta(minutes=5)
# By then a message should have told of a payment.
TOLD_WITHIN = timedelta(minutes=5)


@dataclass
class SweepReport:
    """finished: False where the time ran out; the next sweep goes on."""

    looked_at: int = 0
    settled: int = 0
    licenses_moved: int = 0
    unknown_sessions: int = 0
    failed: int = 0
    finished: bool = True


@dataclass
class _Round:
    """One sweep under way. deadlines: by time.monotonic()."""

    deadline: float
    window_deadline: float
    report: SweepReport = field(default_factory=SweepReport)
    followed: set[tuple[str | None, ...]] = field(default_factory=set)
    settled: set[tuple[str, str | None]] = field(default_factory=set)


def sweep(seconds: float = DEFAULT_SECONDS) -> SweepReport:
    """Settle everything that may have been missed, for `seconds` at most. One failure doesn't
    stop the rest. Raises PaymentProviderUnavailable where Stripe can't be asked at all."""
    began = time.monotonic()
    round_ = _Round(began + seconds, began + seconds / 2)
    progress = get(SweepProgress, PROGRESS) or SweepProgress(PROGRESS)
    in_window = in_index = False
    try:
        in_window = _sweep_window(round_, progress)
    finally:  # what waits needs nothing of Stripe's lists
        in_index = _sweep_unsettled(round_, progress)
    round_.report.finished = in_window and in_index
    return round_.report


def _sweep_window(round_: _Round, progress: SweepProgress) -> bool:
    """What Stripe has had since the last time, oldest first. False: the time ran out."""
    now = clock.now()
    earliest = now - LONGEST_WINDOW
    start = max(progress.seen_until or earliest, earliest)
    while start < now:
        end = min(start + SLICE, now)
        for trace in _traces(start, end):
            if time.monotonic() > round_.window_deadline:
                _save(progress, seen_until=trace.at)
                return False
            _follow(trace, round_)  # what it raises keeps the window from moving past it
        start = end
    _save(progress, seen_until=now - OVERLAP)
    return True


def _traces(start: datetime, end: datetime) -> list["SessionOwner | StripeMessage"]:
    from chalicelib.payments.listings import events_between, sessions_between

    traces: list[SessionOwner | StripeMessage] = [
        *sessions_between(start, end),
        *events_between(start, end),
    ]
    return sorted(traces, key=lambda trace: trace.at)


def _follow(trace: "SessionOwner | StripeMessage", round_: _Round) -> None:
    from chalicelib.payments.webhooks import StripeMessage

    payment = trace.payment_intent_id if isinstance(trace, StripeMessage) else None
    leads_to = (trace.purchase_id, trace.session_id, payment)
    if leads_to in round_.followed:
        return
    if isinstance(trace, StripeMessage):
        purchase, session_id = find_purchase(trace)
    else:
        purchase, session_id = _purchase_of(trace, round_), trace.session_id
    if purchase is not None:
        _settle_one(purchase, session_id, round_)
    round_.followed.add(leads_to)


def _purchase_of(owner: "SessionOwner", round_: _Round) -> Purchase | None:
    if not (owner.purchase_id and owner.reseller_id):
        return None  # another product's session in the same Stripe account
    purchase = get(Purchase, owner.reseller_id, owner.purchase_id)
    if purchase is None and owner.stage == settings().table_prefix:
        round_.report.unknown_sessions += 1
        count("SessionsWithoutPurchase")
        logger.error(
            "A session without a purchase",
            extra={"session_id": owner.session_id, "purchase_id": owner.purchase_id},
        )
    return purchase


def _sweep_unsettled(round_: _Round, progress: SweepProgress) -> bool:
    """The purchases that wait for something. False: the time ran out."""
    for purchase in _unsettled(progress.unsettled_after):
        _settle_one(purchase, None, round_)
        if time.monotonic() > round_.deadline:
            _save(progress, unsettled_after=purchase.id)
            return False
    if progress.unsettled_after is not None:
        _save(progress, unsettled_after=None)
    return True


def _unsettled(after: str | None) -> Iterator[Purchase]:
    beyond = Purchase.id > after if after else None
    for keys in Purchase.unsettled_index.query(UNSETTLED, beyond):
        purchase = get(Purchase, keys.reseller_id, keys.id)
        if purchase is not None:
            yield purchase


def _settle_one(purchase: Purchase, session_id: str | None, round_: _Round) -> None:
    """Each purchase once in a round: whatever leads to it, what is looked at is now."""
    known = session_id in (None, purchase.session_id)
    key = (purchase.id, None if known else session_id)
    if key in round_.settled:
        return
    round_.settled.add(key)
    round_.report.looked_at += 1
    try:
        settled = settle(purchase, session_id=session_id)
        refunds.go_on(settled.purchase)
    except Exception:  # noqa: BLE001 - one failure, of whatever kind, must not stop the rest
        _failed(round_, purchase)
        return
    round_.report.settled += settled.changed
    round_.report.licenses_moved += settled.granted
    if settled.granted > 0 and _untold(settled.purchase):
        count("PaymentsHealed")


def _untold(purchase: Purchase) -> bool:
    """Whether so much time has passed that no message will come: Stripe's are amiss."""
    return purchase.paid_at is not None and clock.now() - purchase.paid_at > TOLD_WITHIN


def _failed(round_: _Round, purchase: Purchase) -> None:
    """Whatever it was, the next sweep looks at this purchase again: it joins the waiting."""
    count("PurchasesNotSettled")
    round_.report.failed += 1
    logger.exception("The sweep could not settle", extra={"purchase_id": purchase.id})
    key = Purchase(purchase.reseller_id, purchase.id)
    key.update([Purchase.unsettled.set(UNSETTLED)], condition=Purchase.id.exists())


def _save(progress: SweepProgress, **columns: datetime | str | None) -> None:
    now = clock.now()
    if progress.created_at is None:
        progress.created_at = now
    progress.updated_at = now
    for name, value in columns.items():
        setattr(progress, name, value)
    progress.save()
