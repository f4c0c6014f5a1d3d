"""What to do when Stripe says that something happened: look again, and keep a record.

The record is for a person to read in the AWS console. Nothing depends on it: the same event
delivered twice merely looks twice.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain.purchases import Status
from chalicelib.observability import count, logger
from chalicelib.services.purchases.settlement import SettleResult, settle
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.rows import iso
from chalicelib.storage.stripe_events import LATEST, LatestEvent, StripeEvent

if TYPE_CHECKING:
    from chalicelib.payments.webhooks import StripeMessage

KEPT = timedelta(days=90)
IGNORED = "ignored"
NOT_OURS = "no purchase of ours"
NOTHING = "nothing to do"
FAILED = "failed"


def handle_event(message: "StripeMessage") -> str:
    """The outcome, in words. Raises whatever settling raised, after recording it: Stripe
    must deliver the message again."""
    from chalicelib.payments.webhooks import HANDLED

    if message.type not in HANDLED:
        _record_event(message, IGNORED, None)
        return IGNORED
    purchase: Purchase | None = None
    try:
        purchase, session_id = find_purchase(message)
        if purchase is None:
            _record_event(message, NOT_OURS, None)
            return NOT_OURS
        settled = settle(purchase, session_id=session_id)
    except Exception as error:
        count("WebhooksFailed")
        _record_event(message, f"{FAILED}: {type(error).__name__}", purchase)
        raise
    outcome = _outcome(settled)
    _record_event(message, outcome, settled.purchase)
    return outcome


def find_purchase(message: "StripeMessage") -> tuple[Purchase | None, str | None]:
    """The purchase that an event is about, and the session that it came through, if known."""
    reseller_id, purchase_id, session_id = resolve_purchase_ids(message)
    if not (purchase_id and reseller_id):
        return None, None
    return get(Purchase, reseller_id, purchase_id), session_id


def resolve_purchase_ids(message: "StripeMessage") -> tuple[str | None, str | None, str | None]:
    """Where an event leads: the ids of a reseller, of its purchase, and of the session.

    Ours carry the purchase's id in their metadata. A dispute carries none, nor does a refund
    made in Stripe's dashboard: their payment leads to its session.
    Raises PaymentProviderUnavailable.
    """
    purchase_id, reseller_id = message.purchase_id, message.reseller_id
    session_id = message.session_id
    if not (purchase_id and reseller_id) and message.payment_intent_id:
        from chalicelib.payments.listings import session_of_payment

        owner = session_of_payment(message.payment_intent_id)
        if owner is not None:
            purchase_id, reseller_id = owner.purchase_id, owner.reseller_id
            session_id = owner.session_id
    return reseller_id, purchase_id, session_id


def _outcome(settled: SettleResult) -> str:
    if settled.purchase.status == Status.QUARANTINED:
        return f"quarantined: {settled.purchase.status_reason}"
    return f"settled {settled.granted:+d}" if settled.changed else NOTHING


def _record_event(message: "StripeMessage", outcome: str, purchase: Purchase | None) -> None:
    """Best effort: a record that can't be written must not undo what it tells of."""
    now = clock.now()
    row = StripeEvent(message.id)
    actions: list[Action] = [
        StripeEvent.created_at.set(StripeEvent.created_at | now),
        StripeEvent.updated_at.set(now),
        StripeEvent.version.add(1),
        StripeEvent.attempts.add(1),
        StripeEvent.type.set(message.type),
        StripeEvent.object_id.set(message.object_id),
        StripeEvent.outcome.set(outcome),
        StripeEvent.expires_at.set(now + KEPT),
    ]
    if purchase is not None:
        actions += [
            StripeEvent.purchase_id.set(purchase.id),
            StripeEvent.reseller_id.set(purchase.reseller_id),
            StripeEvent.status.set(purchase.status),
        ]
    try:
        row.update(actions)
        LatestEvent(LATEST).update(
            [
                LatestEvent.seen_at.set(now),
                LatestEvent.created_at.set(LatestEvent.created_at | now),
                LatestEvent.updated_at.set(now),
                LatestEvent.version.add(1),
            ]
        )
    except Exception:
        logger.exception("A Stripe event's record was not written", extra={"at": iso(now)})
