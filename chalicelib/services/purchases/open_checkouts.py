"""Find, claim, or abandon the open checkout, of which there is one per reseller and quantity.

A claim row enforces this limit. The transaction that creates the purchase takes the claim, and the
transaction that ends the purchase's pending status releases it.
"""

from chalicelib import clock
from chalicelib.domain.pricing import Quote
from chalicelib.domain.purchases import RESUMABLE_FOR, Status
from chalicelib.errors import PaymentProviderRefused, VersionConflict
from chalicelib.services.purchases import settlement
from chalicelib.settings import settings
from chalicelib.storage import claims
from chalicelib.storage.purchases import Purchase, checkout_claim
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction


def find_open_checkout(reseller_id: str, quote: Quote) -> Purchase | None:
    """Return the pending purchase that holds the claim, if it can still be paid at this price.

    If it can't, close the purchase, which releases the claim, and return None. Stripe is checked
    first, because the buyer may have just paid. In that case, a new order needs a new purchase.
    Raises PaymentProviderUnavailable, Busy, and VersionConflict.
    """
    purchase_id = claims.owner_of(checkout_claim(reseller_id, quote.quantity))
    purchase = get(Purchase, reseller_id, purchase_id) if purchase_id else None
    if purchase is None or purchase.status != Status.PENDING:
        return None
    is_current = purchase.total == quote.total and purchase.currency == settings().currency
    is_usable = purchase.expires_at > clock.now() if purchase.session_id else is_resumable(purchase)
    try:
        if not (is_current and is_usable):
            _expire_or_settle(purchase)
            return None
        if purchase.session_id is not None:
            purchase = settlement.settle(purchase).purchase
    except PaymentProviderRefused as refused:
        if refused.provider_code != "resource_missing":
            raise
        # The session belongs to the other mode (live or test) or to another Stripe account, so
        # it can't be paid here.
        abandon_checkout(purchase, None)
    return purchase if purchase.status == Status.PENDING else None


def claim_quantity(tx: Transaction, purchase: Purchase) -> None:
    """Add a claim on the quantity to `tx`, the transaction that creates the purchase.

    Condition: no purchase holds the claim, or the purchase that holds it is missing or no longer
    pending. This can happen if tables were restored to different points in time. At
    commit, raises VersionConflict if a pending purchase holds the claim.
    """
    name = checkout_claim(purchase.reseller_id, purchase.quantity)
    claim = get(claims.Claim, name)
    if claim is None:
        claims.claim_name(tx, name, purchase.id, otherwise=VersionConflict())
        return
    tx.check(
        Purchase,
        purchase.reseller_id,
        claim.owner,
        condition=Purchase.id.does_not_exist() | (Purchase.status != Status.PENDING),
        otherwise=VersionConflict(),
    )
    claims.transfer_claim(tx, claim, purchase.id, otherwise=VersionConflict())


def is_resumable(purchase: Purchase) -> bool:
    """Return whether a purchase without a session is recent enough to be given one."""
    return clock.now() - purchase.created_at <= RESUMABLE_FOR


def abandon_checkout(purchase: Purchase, reason: str | None) -> None:
    """Expire a purchase that has no payable session, and release its claim.

    Condition: the purchase is unchanged since it was read; otherwise, raises VersionConflict. If
    Stripe opened a session but the response was lost, the sweep finds that session and closes it,
    or settles the purchase if the session was paid.
    """
    tx = Transaction()
    tx.change(purchase, status=Status.EXPIRED, status_reason=reason, unsettled=None)
    settlement.release_checkout_claim(tx, purchase)
    tx.commit()


def _expire_or_settle(purchase: Purchase) -> None:
    """Make sure that the purchase can no longer be paid. If it was already paid, settle it."""
    if purchase.session_id is not None:
        from chalicelib.payments.checkout import expire_checkout

        expire_checkout(purchase.session_id)
        settlement.settle(purchase)
    elif is_resumable(purchase):
        abandon_checkout(purchase, None)
    else:
        settlement.settle(purchase)
