"""The sweep: settle the purchases whose webhook was lost.

It has two sources. The first is Stripe's sessions and events since the last run. They recover
missed webhooks, no matter how old the purchase is, and sessions that a row never recorded. The
second is the `unsettled` index: purchases that are pending or await something else, except those
with an open checkout, because Stripe creates an event when a checkout is paid or expires. The sweep
stops when its time is up and resumes in the next run.
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
from chalicelib.observability import Metric, count, logger
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds import refund_requests
from chalicelib.services.stripe_sync.events import resolve_purchase_ids
from chalicelib.settings import settings
from chalicelib.storage.purchases import UNSETTLED, Purchase, unsettled_keys
from chalicelib.storage.reads import get
from chalicelib.storage.stripe_events import PROGRESS, SweepProgress
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.writes import put

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner
    from chalicelib.payments.webhooks import WebhookEvent

DEFAULT_SECONDS = 240.0
# How far back the first run goes, or a run after a long outage. Stripe keeps events for 30 days.
LONGEST_WINDOW = timedelta(days=29)
# The part of the window that is listed at once. It doubles if little is found, and halves if there
# are more than MAX_LISTED records, which take about ten seconds to list.
FIRST_SLICE = timedelta(hours=1)
LONGEST_SLICE = timedelta(days=6)
SHORTEST_SLICE = timedelta(seconds=1)  # the resolution of Stripe's timestamps
MAX_LISTED = 1_000
# The next run reads this much again, to catch records that reached Stripe's lists late.
OVERLAP = timedelta(minutes=5)
# A payment's webhook should have arrived within this time.
WEBHOOK_GRACE = timedelta(minutes=5)


@dataclass
class SweepReport:
    """What one run did. `finished` is False if time ran out; the next run continues."""

    looked_at: int = 0
    settled: int = 0
    licenses_moved: int = 0
    unknown_sessions: int = 0
    failed: int = 0
    finished: bool = True


@dataclass
class _SweepRun:
    """The state of one run. The deadlines are values of time.monotonic()."""

    index_deadline: float
    deadline: float
    report: SweepReport = field(default_factory=SweepReport)
    seen_targets: set[tuple[str | None, ...]] = field(default_factory=set)
    settled: set[tuple[str, str | None]] = field(default_factory=set)


def run_sweep(seconds: float = DEFAULT_SECONDS) -> SweepReport:
    """Settle everything that may have been missed, for at most `seconds`.

    If a purchase fails, the others are still settled, and the next run retries the failed one.
    Repeated and concurrent runs are safe, because settling is idempotent. A crash loses the
    progress of at most one slice. Raises PaymentProviderUnavailable if Stripe's lists can't be
    read.
    """
    began = time.monotonic()
    run = _SweepRun(began + seconds / 2, began + seconds)
    progress = get(SweepProgress, PROGRESS) or SweepProgress(PROGRESS)
    index_finished = window_finished = False
    try:  # the index comes first: it does not depend on Stripe's lists, which can be long
        index_finished = _sweep_unsettled(run, progress)
    finally:
        window_finished = _sweep_window(run, progress)
    run.report.finished = index_finished and window_finished
    return run.report


def _sweep_unsettled(run: _SweepRun, progress: SweepProgress) -> bool:
    """Settle the purchases in the `unsettled` index. Return False if time ran out."""
    for reseller_id, id in unsettled_keys(progress.unsettled_after):
        _settle_one(reseller_id, id, None, run, unless=_has_open_checkout)
        if time.monotonic() > run.index_deadline:
            _save_progress(progress, unsettled_after=id)
            return False
    if progress.unsettled_after is not None:
        _save_progress(progress, unsettled_after=None)
    return True


def _sweep_window(run: _SweepRun, progress: SweepProgress) -> bool:
    """Settle what Stripe has recorded since the last run, oldest first, a slice at a time.

    Progress is saved only after a slice is done, so at most one slice is repeated after a crash.
    Return False if time ran out.
    """
    now = clock.now()
    start = max(progress.seen_until or now - LONGEST_WINDOW, now - LONGEST_WINDOW)
    span = FIRST_SLICE
    while start < now:
        end = min(start + span, now)
        records = _list_records(start, end, MAX_LISTED if span > SHORTEST_SLICE else None)
        if records is None:
            span /= 2
            continue
        for record in records:
            _settle_record(record, run)  # if it raises, the window does not move past the record
            if time.monotonic() > run.deadline:
                _save_progress(progress, seen_until=record.at)
                return False
        _save_progress(progress, seen_until=min(end, now - OVERLAP))
        if time.monotonic() > run.deadline and end < now:
            return False
        if len(records) * 2 <= MAX_LISTED:
            span = min(span * 2, LONGEST_SLICE)
        start = end
    return True


def _list_records(
    start: datetime, end: datetime, max_records: int | None
) -> list["SessionOwner | WebhookEvent"] | None:
    """Return a slice's sessions and events, oldest first, or None if there are too many."""
    from chalicelib.payments.listings import events_between, sessions_between

    limit = None if max_records is None else max_records + 1
    records: list[SessionOwner | WebhookEvent] = [*sessions_between(start, end, limit=limit)]
    if max_records is None or len(records) <= max_records:
        records += events_between(start, end, limit=limit)
    if max_records is not None and len(records) > max_records:
        return None
    return sorted(records, key=lambda record: record.at)


def _settle_record(record: "SessionOwner | WebhookEvent", run: _SweepRun) -> None:
    """Settle the purchase that a session or event belongs to, once per run."""
    from chalicelib.payments.webhooks import WebhookEvent

    payment = record.payment_intent_id if isinstance(record, WebhookEvent) else None
    target = (record.purchase_id, record.session_id, payment)
    if target in run.seen_targets:
        return
    if isinstance(record, WebhookEvent):
        reseller_id, purchase_id, session_id = _resolve_ids_safely(record, run)
    else:
        reseller_id, purchase_id = record.reseller_id, record.purchase_id
        session_id = record.session_id
    if reseller_id and purchase_id:  # otherwise, the record belongs to another product
        exists = _settle_one(reseller_id, purchase_id, session_id, run)
        if not exists and not isinstance(record, WebhookEvent):
            _report_unknown_session(record, run)
    run.seen_targets.add(target)


def _resolve_ids_safely(
    event: "WebhookEvent", run: _SweepRun
) -> tuple[str | None, str | None, str | None]:
    """Resolve the event's IDs, or return none if Stripe permanently refuses the lookup.

    Retrying such a lookup would block the window.
    """
    try:
        return resolve_purchase_ids(event)
    except PaymentProviderRefused as refused:
        if not refused.permanent:
            raise
    count(Metric.PURCHASES_NOT_SETTLED)
    run.report.failed += 1
    logger.error("Could not find the session of a Stripe event", extra={"event_id": event.id})
    return None, None, None


def _report_unknown_session(owner: "SessionOwner", run: _SweepRun) -> None:
    if owner.stage != settings().table_prefix:
        return
    run.report.unknown_sessions += 1
    count(Metric.SESSIONS_WITHOUT_PURCHASE)
    logger.error(
        "Checkout Session without a purchase",
        extra={"session_id": owner.session_id, "purchase_id": owner.purchase_id},
    )


def _settle_one(
    reseller_id: str,
    id: str,
    session_id: str | None,
    run: _SweepRun,
    *,
    unless: Callable[[Purchase], bool] = lambda _: False,
) -> bool:
    """Settle a purchase and resume its open refund. Return False if there is no such purchase.

    Each purchase is settled once per run, and once more for each session that its row doesn't list.
    Once is enough, because settling reads the current state, no matter which record led to it.
    `session_id` is the session that led to the purchase, if known.
    """
    try:
        purchase = get(Purchase, reseller_id, id)
        if purchase is None:
            return False
        if unless(purchase):
            return True
        key = (id, None if session_id in (None, purchase.session_id) else session_id)
        if key in run.settled:
            return True
        run.settled.add(key)
        run.report.looked_at += 1
        settled = settle(purchase, session_id=session_id)
        refund_requests.resume_refund(settled.purchase)
    except Exception:  # noqa: BLE001 - no failure of one purchase may stop the others
        _mark_for_retry(reseller_id, id, session_id, run)
        return True
    run.report.settled += settled.changed
    run.report.licenses_moved += settled.granted
    if settled.granted > 0 and _webhook_missed(settled.purchase):
        count(Metric.PAYMENTS_HEALED)
    return True


def _webhook_missed(purchase: Purchase) -> bool:
    """Return whether the payment is old enough that its webhook should have arrived."""
    return purchase.paid_at is not None and clock.now() - purchase.paid_at > WEBHOOK_GRACE


def _has_open_checkout(purchase: Purchase) -> bool:
    """Return whether the purchase is only waiting for its buyer.

    Such purchases are skipped: most are abandoned, and Stripe creates an event when a checkout is
    paid or expires. After a failure, `other_sessions` lists the session, so the purchase is not
    skipped.
    """
    return (
        purchase.status == Status.PENDING
        and purchase.session_id is not None
        and not purchase.other_sessions
        and purchase.expires_at > clock.now()
    )


def _mark_for_retry(reseller_id: str, id: str, session_id: str | None, run: _SweepRun) -> None:
    """Record a failure on the purchase's row, so that the next run retries the purchase.

    The row also stores the session that led to the purchase, which may not be recorded anywhere
    else. Condition: the row exists. The update increments the row's version, so a concurrent
    settlement starts over. Repeating the call has no further effect. Raises Busy, in which case the
    window does not move and the next run finds the same record again.
    """
    count(Metric.PURCHASES_NOT_SETTLED)
    run.report.failed += 1
    logger.exception("The sweep could not settle a purchase", extra={"purchase_id": id})
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
        logger.warning("The purchase no longer exists", extra={"purchase_id": id})


def _save_progress(progress: SweepProgress, **columns: datetime | str | None) -> None:
    for name, value in columns.items():
        setattr(progress, name, value)
    put(progress)
