"""One open checkout per reseller and quantity: which it is, and how it is given up.

A claim names it. It is taken in the transaction that makes the purchase, and given back in the
one by which the purchase ceases to be pending.
"""

from chalicelib import clock
from chalicelib.domain.pricing import Quote
from chalicelib.domain.purchases import RESUMABLE, Status
from chalicelib.errors import PaymentProviderRefused, VersionConflict
from chalicelib.services.purchases import settlement
from chalicelib.settings import settings
from chalicelib.storage import claims
from chalicelib.storage.purchases import Purchase, checkout_claim
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction


def find_open_checkout(reseller_id: str, quote: Quote) -> Purchase | None:
    """The purchase that holds the claim, if it still can be paid at today's price; if not, it
    is closed, which gives the claim up.

    Stripe is asked, since the payment may be a moment old: who has paid and orders again
    wants another purchase. Raises PaymentProviderUnavailable, Busy.
    """
    purchase_id = claims.owner_of(checkout_claim(reseller_id, quote.quantity))
    purchase = get(Purchase, reseller_id, purchase_id) if purchase_id else None
    if purchase is None or purchase.status != Status.PENDING:
        return None
    current = purchase.total == quote.total and purchase.currency == settings().currency
    usable = purchase.expires_at > clock.now() if purchase.session_id else is_resumable(purchase)
    try:
        if not (current and usable):
            _expire_or_settle(purchase)
            return None
        if purchase.session_id is not None:
            purchase = settlement.settle(purchase).purchase
    except PaymentProviderRefused as refused:
        if refused.why != "resource_missing":
            raise
        abandon_checkout(
            purchase, None
        )  # of the other mode, or another account: nobody can pay it here
    return purchase if purchase.status == Status.PENDING else None


def claim_quantity(tx: Transaction, purchase: Purchase) -> None:
    """The quantity is this purchase's. Condition: it is nobody's, or its owner is gone or
    waits for no payment; then tables were restored to different moments."""
    name = checkout_claim(purchase.reseller_id, purchase.quantity)
    owner = claims.owner_of(name)
    if owner is None:
        claims.claim(tx, name, purchase.id, otherwise=VersionConflict())
        return
    tx.check(
        Purchase,
        purchase.reseller_id,
        owner,
        condition=Purchase.id.does_not_exist() | (Purchase.status != Status.PENDING),
        otherwise=VersionConflict(),
    )
    claims.take_over(tx, name, purchase.id, from_owner=owner, otherwise=VersionConflict())


def is_resumable(purchase: Purchase) -> bool:
    return clock.now() - purchase.created_at <= RESUMABLE


def abandon_checkout(purchase: Purchase, reason: str | None) -> None:
    """A purchase that has no session. Should Stripe come to know of one nevertheless, the
    sweep finds and closes it, or settles it if it was paid."""
    tx = Transaction()
    tx.change(purchase, status=Status.EXPIRED, status_reason=reason, unsettled=None)
    settlement.release_checkout_claim(tx, purchase)
    tx.commit()


def _expire_or_settle(purchase: Purchase) -> None:
    """See that nobody can pay it any more; if somebody has, it is settled as paid."""
    if purchase.session_id is not None:
        from chalicelib.payments.checkout import expire_checkout

        expire_checkout(purchase.session_id)
        settlement.settle(purchase)
    elif is_resumable(purchase):
        abandon_checkout(purchase, None)
    else:
        settlement.settle(purchase)
