"""Buying licenses: the purchase row first, then Stripe's Checkout.

A crash between the two leaves a pending purchase that the next request, with or without the
same Idempotency-Key, goes on with: Stripe answers the purchase id, its idempotency key, with
the same session again.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.domain.purchases import Status
from chalicelib.errors import NotFound, VersionConflict
from chalicelib.services import platform, settlement
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.settings import settings
from chalicelib.storage.claims import claim, owner_of
from chalicelib.storage.purchases import UNSETTLED, Purchase, checkout_claim
from chalicelib.storage.reads import Page, PageRequest, get, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

if TYPE_CHECKING:
    from chalicelib.payments.checkout import OpenCheckout

# Stripe closes a session after 24 hours at most, counted from its own creation: a purchase
# that a crash left without one can be resumed until then.
CHECKOUT_LIFETIME = timedelta(hours=23)
RESUMABLE = timedelta(hours=22)


class _CheckoutOpen(VersionConflict):
    """The reseller has an open checkout for this quantity."""


def buy_licenses(reseller: Reseller, quantity: int, *, by: str, once: Once = UNKEYED) -> Purchase:
    """An open checkout for `quantity` licenses; asking again returns the same one.

    Raises InvalidRequest, PaymentProviderUnavailable (the purchase stays, resumable).
    """
    if once.ref is not None:
        return _finish(reseller, read_purchase(reseller.id, once.ref), once)
    for _ in range(3):
        open_one = _open_checkout(reseller.id, quantity)
        if open_one is not None:
            return _finish(reseller, open_one, once)
        try:
            return _finish(reseller, _start(reseller, quantity, by=by, once=once), once)
        except _CheckoutOpen:
            continue
    raise VersionConflict


def _open_checkout(reseller_id: str, quantity: int) -> Purchase | None:
    """The purchase that holds the claim, if it still can be paid; if not, it is settled,
    which gives the claim up."""
    purchase_id = owner_of(checkout_claim(reseller_id, quantity))
    if purchase_id is None:
        return None
    purchase = read_purchase(reseller_id, purchase_id)
    age = clock.now() - purchase.created_at
    if purchase.expires_at > clock.now() and (purchase.session_id or age < RESUMABLE):
        return purchase
    settlement.settle(purchase)
    return None


def _start(reseller: Reseller, quantity: int, *, by: str, once: Once) -> Purchase:
    """The pending purchase and its claim. Raises _CheckoutOpen."""
    quote = platform.quote(quantity)
    prices = platform.current()
    now = clock.now()
    purchase = Purchase(
        reseller.id,
        new_id("pur"),
        quantity=quantity,
        unit_amount=quote.unit_amount,
        total=quote.total,
        currency=settings().currency,
        tiers=prices.price_tiers,
        tiers_version=prices.tiers_version,
        status=Status.PENDING,
        expires_at=now + CHECKOUT_LIFETIME,
        created_by=by,
        unsettled=UNSETTLED,
        month=f"{now:%Y-%m}",
    )
    tx = Transaction()
    tx.create(purchase, otherwise=VersionConflict())
    name = checkout_claim(reseller.id, quantity)
    claim(tx, name, purchase.id, otherwise=_CheckoutOpen())
    once.reserve(tx, purchase.id)
    tx.commit()
    once.ref = purchase.id if once.key else None
    return purchase


def _finish(reseller: Reseller, purchase: Purchase, once: Once) -> Purchase:
    """Give the purchase its session, where it has none, and record the answer."""
    tx = Transaction()
    if purchase.session_id is None and purchase.status == Status.PENDING:
        opened = _open_session(reseller, purchase)
        tx.change(
            purchase,
            session_id=opened.session_id,
            checkout_url=opened.url,
            expires_at=opened.expires_at,
        )
    once.record(tx, purchase)
    try:
        tx.commit()
    except VersionConflict:  # somebody else gave it the session, or it was paid already
        return _finish(reseller, read_purchase(reseller.id, purchase.id), once)
    return purchase


def _open_session(reseller: Reseller, purchase: Purchase) -> "OpenCheckout":
    from chalicelib.payments.checkout import Order, open_checkout

    user = get(User, reseller.user_id)
    back = f"{settings().public_url}/reseller/licenses"
    return open_checkout(
        Order(
            purchase_id=purchase.id,
            reseller_id=reseller.id,
            quantity=purchase.quantity,
            unit_amount=purchase.unit_amount,
            currency=purchase.currency,
            product_name="License",
            customer_id=reseller.stripe_customer_id,
            customer_email=user.email if user else "",
            expires_at=purchase.expires_at,
            success_url=f"{back}?purchase={purchase.id}",
            cancel_url=back,
        )
    )


def read_purchase(reseller_id: str, purchase_id: str) -> Purchase:
    """Raises NotFound."""
    purchase = get(Purchase, reseller_id, purchase_id)
    if purchase is None:
        raise NotFound("purchase")
    return purchase


def list_purchases(reseller_id: str, request: PageRequest) -> Page[Purchase]:
    """The reseller's purchases, newest first."""
    return query_page(Purchase, reseller_id, request, newest_first=True)
