"""The sweep: settles what no webhook did.

It asks two parties what there is to look at. Stripe: which sessions it made, and which events
it has, since the last time; so that a lost webhook is healed however long ago the purchase was
paid, and so is a row that never learnt its session. And the sparse index: which purchases wait
for something, but for those whose checkout is open: Stripe has an event when that ends. It
keeps to its time and goes on, the next time, where it stopped.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain.purchases import Status
from chalicelib.errors import NotFound, PaymentProviderRefused
from chalicelib.observability import count, logger
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds import refund_requests
from chalicelib.services.stripe_sync.events import resolve_purchase_ids
from chalicelib.settings import settings
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.stripe_events import PROGRESS, SweepProgress
from chalicelib.storage.transactions import Transaction

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner
    from chalicelib.payments.webhooks import StripeMessage

DEFAULT_SECONDS = 240.0
# What there is to look at the first time, or after a long silence: Stripe keeps events for 30.
LONGEST_WINDOW = timedelta(days=29)
# As much of a window as is listed at once: longer and longer while little is found, shorter
# where it is more than MOST_LISTED, of which a listing takes ten seconds or so.
FIRST_SLICE = timedelta(hours=1)
LONGEST_SLICE = timedelta(days=6)
SHORTEST_SLICE = timedelta(seconds=1)  # Stripe's times are no finer
MOST_LISTED = 1_000
# Looked at again the next time: what was under way, or came late into Stripe's lists.
OVERLAP = timedelta(minutes=5)
# By then a message should have told of a payment.
WEBHOOK_GRACE = timedelta(minutes=5)


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
class _SweepRun:
    """One sweep under way. Deadlines: by time.monotonic()."""

    index_deadline: float
    deadline: float
    report: SweepReport = field(default_factory=SweepReport)
    followed: set[tuple[str | None, ...]] = field(default_factory=set)
    settled: set[tuple[str, str | None]] = field(default_factory=set)


def run_sweep(seconds: float = DEFAULT_SECONDS) -> SweepReport:
    """Settle everything that may have been missed, for `seconds` at most. One failure doesn't
    stop the rest. Raises PaymentProviderUnavailable where Stripe can't be asked at all."""
    began = time.monotonic()
    round_ = _SweepRun(began + seconds / 2, began + seconds)
    progress = get(SweepProgress, PROGRESS) or SweepProgress(PROGRESS)
    in_index = in_window = False
    try:  # what waits comes first: it needs nothing of Stripe's lists, however long they are
        in_index = _sweep_unsettled(round_, progress)
    finally:
        in_window = _sweep_window(round_, progress)
    round_.report.finished = in_index and in_window
    return round_.report


def _sweep_unsettled(round_: _SweepRun, progress: SweepProgress) -> bool:
    """The purchases that wait for something. False: the time ran out."""
    beyond = Purchase.id > progress.unsettled_after if progress.unsettled_after else None
    for keys in Purchase.unsettled_index.query(UNSETTLED, beyond):
        _settle_one(keys.reseller_id, keys.id, None, round_, unless=_waits_for_its_buyer)
        if time.monotonic() > round_.index_deadline:
            _save(progress, unsettled_after=keys.id)
            return False
    if progress.unsettled_after is not None:
        _save(progress, unsettled_after=None)
    return True


def _sweep_window(round_: _SweepRun, progress: SweepProgress) -> bool:
    """What Stripe has had since the last time, oldest first, a slice at a time: as long as
    can be listed quickly. False: the time ran out.

    What is saved has been gone through, so that a function that is killed loses one slice.
    """
    now = clock.now()
    start = max(progress.seen_until or now - LONGEST_WINDOW, now - LONGEST_WINDOW)
    span = FIRST_SLICE
    while start < now:
        end = min(start + span, now)
        traces = _traces(start, end, MOST_LISTED if span > SHORTEST_SLICE else None)
        if traces is None:
            span /= 2
            continue
        for trace in traces:
            _settle_from_trace(trace, round_)  # what it raises keeps the window from moving past it
            if time.monotonic() > round_.deadline:
                _save(progress, seen_until=trace.at)
                return False
        _save(progress, seen_until=min(end, now - OVERLAP))
        if time.monotonic() > round_.deadline and end < now:
            return False
        if len(traces) * 2 <= MOST_LISTED:
            span = min(span * 2, LONGEST_SLICE)
        start = end
    return True


def _traces(
    start: datetime, end: datetime, most: int | None
) -> list["SessionOwner | StripeMessage"] | None:
    """None: there are more than `most`."""
    from chalicelib.payments.listings import events_between, sessions_between

    enough = None if most is None else most + 1
    traces: list[SessionOwner | StripeMessage] = [*sessions_between(start, end, most=enough)]
    if most is None or len(traces) <= most:
        traces += events_between(start, end, most=enough)
    if most is not None and len(traces) > most:
        return None
    return sorted(traces, key=lambda trace: trace.at)


def _settle_from_trace(trace: "SessionOwner | StripeMessage", round_: _SweepRun) -> None:
    from chalicelib.payments.webhooks import StripeMessage

    payment = trace.payment_intent_id if isinstance(trace, StripeMessage) else None
    leads_to = (trace.purchase_id, trace.session_id, payment)
    if leads_to in round_.followed:
        return
    if isinstance(trace, StripeMessage):
        reseller_id, purchase_id, session_id = _resolve_ids_safely(trace, round_)
    else:
        reseller_id, purchase_id = trace.reseller_id, trace.purchase_id
        session_id = trace.session_id
    if reseller_id and purchase_id:  # else it is another product's, in the same Stripe account
        is_there = _settle_one(reseller_id, purchase_id, session_id, round_)
        if not is_there and not isinstance(trace, StripeMessage):
            _report_unknown_session(trace, round_)
    round_.followed.add(leads_to)


def _resolve_ids_safely(
    message: "StripeMessage", round_: _SweepRun
) -> tuple[str | None, str | None, str | None]:
    """Nowhere, where Stripe refuses for good to say: waiting there would stop all the rest."""
    try:
        return resolve_purchase_ids(message)
    except PaymentProviderRefused as refused:
        if not refused.permanent:
            raise
    count("PurchasesNotSettled")
    round_.report.failed += 1
    logger.error("An event that leads nowhere", extra={"event_id": message.id})
    return None, None, None


def _report_unknown_session(owner: "SessionOwner", round_: _SweepRun) -> None:
    if owner.stage != settings().table_prefix:
        return
    round_.report.unknown_sessions += 1
    count("SessionsWithoutPurchase")
    logger.error(
        "A session without a purchase",
        extra={"session_id": owner.session_id, "purchase_id": owner.purchase_id},
    )


def _settle_one(
    reseller_id: str,
    id: str,
    session_id: str | None,
    round_: _SweepRun,
    *,
    unless: Callable[[Purchase], bool] = lambda _: False,
) -> bool:
    """False: there is no such purchase. Each once in a round: whatever leads to it, what is
    looked at is now. session_id: of the trace that led here, if known."""
    try:
        purchase = get(Purchase, reseller_id, id)
        if purchase is None:
            return False
        if unless(purchase):
            return True
        key = (id, None if session_id in (None, purchase.session_id) else session_id)
        if key in round_.settled:
            return True
        round_.settled.add(key)
        round_.report.looked_at += 1
        settled = settle(purchase, session_id=session_id)
        refund_requests.resume_refund(settled.purchase)
    except Exception:  # noqa: BLE001 - one failure, of whatever kind, must not stop the rest
        _failed(reseller_id, id, session_id, round_)
        return True
    round_.report.settled += settled.changed
    round_.report.licenses_moved += settled.granted
    if settled.granted > 0 and _webhook_missed(settled.purchase):
        count("PaymentsHealed")
    return True


def _webhook_missed(purchase: Purchase) -> bool:
    """Whether so much time has passed that no message will come: Stripe's are amiss."""
    return purchase.paid_at is not None and clock.now() - purchase.paid_at > WEBHOOK_GRACE


def _waits_for_its_buyer(purchase: Purchase) -> bool:
    """An open checkout: Stripe has an event of whatever becomes of it, and most of them are
    abandoned. One that could not be looked at then has its session among the others."""
    return (
        purchase.status == Status.PENDING
        and purchase.session_id is not None
        and not purchase.other_sessions
        and purchase.expires_at > clock.now()
    )


def _failed(reseller_id: str, id: str, session_id: str | None, round_: _SweepRun) -> None:
    """Whatever it was, the next sweep looks at this purchase again, and at the session that
    led to it, which may be known from nowhere else: the row remembers both.

    Condition: the row is there; its version counts, so that who settles it this moment
    looks again. A repeat adds nothing. Raises Busy: then the window stays where it is.
    """
    count("PurchasesNotSettled")
    round_.report.failed += 1
    logger.exception("The sweep could not settle", extra={"purchase_id": id})
    actions: list[Action] = [Purchase.unsettled.set(UNSETTLED)]
    if session_id is not None:
        actions.append(Purchase.other_sessions.add({session_id}))
    tx = Transaction()
    tx.update(
        Purchase(reseller_id, id),
        actions,
        condition=Purchase.id.exists(),
        otherwise=NotFound("purchase"),
    )
    try:
        tx.commit()
    except NotFound:
        logger.warning("It is gone: nothing is left to settle", extra={"purchase_id": id})


def _save(progress: SweepProgress, **columns: datetime | str | None) -> None:
    now = clock.now()
    if progress.created_at is None:
        progress.created_at = now
    progress.updated_at = now
    for name, value in columns.items():
        setattr(progress, name, value)
    progress.save()
