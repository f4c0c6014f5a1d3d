"""Handle an event from Stripe: settle the purchase it is about, and record the outcome.

The record is for people who read the table in the AWS console. Nothing depends on it: if an event
is delivered twice, its purchase is merely settled twice. The event types that matter are listed
in payments/webhooks.py.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain.purchases import Status
from chalicelib.observability import Metric, count, follow_up
from chalicelib.services.purchases.settlement import SettleResult, settle
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.stripe_events import LATEST, LatestEvent, StripeEvent
from chalicelib.storage.writes import upsert

if TYPE_CHECKING:
    from chalicelib.payments.webhooks import WebhookEvent

KEPT_FOR = timedelta(days=90)
IGNORED = "ignored"
NO_PURCHASE = "no purchase of ours"
NOTHING = "nothing to do"
FAILED = "failed"


def handle_event(event: "WebhookEvent") -> str:
    """Settle the purchase that the event is about, and return the outcome in words.

    If settling fails, the error is recorded and raised, so that Stripe delivers the event again.
    """
    from chalicelib.payments.webhooks import HANDLED_EVENTS

    if event.type not in HANDLED_EVENTS:
        _record_event(event, IGNORED, None)
        return IGNORED
    purchase: Purchase | None = None
    try:
        purchase, session_id = _find_purchase(event)
        if purchase is None:
            _record_event(event, NO_PURCHASE, None)
            return NO_PURCHASE
        settled = settle(purchase, session_id=session_id)
    except Exception as error:
        count(Metric.WEBHOOKS_FAILED)
        _record_event(event, f"{FAILED}: {type(error).__name__}", purchase)
        raise
    outcome = _outcome(settled)
    _record_event(event, outcome, settled.purchase)
    return outcome


def _find_purchase(event: "WebhookEvent") -> tuple[Purchase | None, str | None]:
    """Return the purchase that an event is about, and the ID of its session, if known."""
    reseller_id, purchase_id, session_id = resolve_purchase_ids(event)
    if not (purchase_id and reseller_id):
        return None, None
    return get(Purchase, reseller_id, purchase_id), session_id


def resolve_purchase_ids(event: "WebhookEvent") -> tuple[str | None, str | None, str | None]:
    """Return the IDs of the reseller, purchase, and session that an event is about.

    Objects that we create carry the IDs in their metadata. Disputes, and refunds issued in Stripe's
    dashboard, don't have this metadata; for these, Stripe is queried for the payment's session.
    Raises PaymentProviderUnavailable.
    """
    purchase_id, reseller_id = event.purchase_id, event.reseller_id
    session_id = event.session_id
    if not (purchase_id and reseller_id) and event.payment_intent_id:
        from chalicelib.payments.listings import session_of_payment

        owner = session_of_payment(event.payment_intent_id)
        if owner is not None:
            purchase_id, reseller_id = owner.purchase_id, owner.reseller_id
            session_id = owner.session_id
    return reseller_id, purchase_id, session_id


def _outcome(settled: SettleResult) -> str:
    if settled.purchase.status == Status.QUARANTINED:
        return f"quarantined: {settled.purchase.status_reason}"
    return f"settled {settled.granted:+d}" if settled.changed else NOTHING


def _record_event(event: "WebhookEvent", outcome: str, purchase: Purchase | None) -> None:
    """Record the event. If this fails, only the record is missing; nothing depends on it."""
    now = clock.now()
    actions: list[Action] = [
        StripeEvent.attempts.add(1),
        StripeEvent.type.set(event.type),
        StripeEvent.object_id.set(event.object_id),
        StripeEvent.outcome.set(outcome),
        StripeEvent.expires_at.set(now + KEPT_FOR),
    ]
    if purchase is not None:
        actions += [
            StripeEvent.purchase_id.set(purchase.id),
            StripeEvent.reseller_id.set(purchase.reseller_id),
            StripeEvent.status.set(purchase.status),
        ]
    with follow_up("record the Stripe event", event_id=event.id):
        upsert(StripeEvent(event.id), actions)
        upsert(LatestEvent(LATEST), [LatestEvent.seen_at.set(now)])
