"""Buying licenses: the purchase row first, then Stripe's Checkout.

A crash between the two leaves a pending purchase that the next request, with or without the
same Idempotency-Key, goes on with: Stripe answers the purchase's idempotency key with the
same session again.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.domain.pricing import LARGEST_TOTAL, Quote
from chalicelib.domain.purchases import CHECKOUT_LIFETIME, Status
from chalicelib.errors import (
    Busy,
    InvalidRequest,
    NotFound,
    PaymentProviderRefused,
    PaymentProviderUnavailable,
    VersionConflict,
)
from chalicelib.observability import logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases import open_checkouts, settlement
from chalicelib.services.settings import platform_settings
from chalicelib.settings import settings
from chalicelib.storage.platform_settings import PlatformSettings
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

if TYPE_CHECKING:
    from chalicelib.payments.checkout import CheckoutRequest, OpenCheckout

ATTEMPTS = 3
AMOUNT_REFUSED = frozenset({"amount_too_small", "amount_too_large"})
WAITING = frozenset({Status.PENDING, Status.PROCESSING})


def buy_licenses(
    reseller: Reseller, quantity: int, *, by: str, once: IdempotentRequest = NO_KEY
) -> Purchase:
    """An open checkout for `quantity` licenses; asking again returns the same one.

    Raises InvalidRequest, Busy, PaymentProviderUnavailable (the purchase stays, resumable).
    """
    if once.ref is not None:
        return _finish(reseller, read_purchase(reseller.id, once.ref), once)
    prices = platform_settings.cached_settings()  # once: total and tiers of one moment
    quote = platform_settings.quote(quantity, prices)
    if quote.total > LARGEST_TOTAL:
        raise InvalidRequest.of("quantity", "One order can't cost that much. Order in parts.")
    for _ in range(ATTEMPTS):
        try:
            purchase = open_checkouts.find_open_checkout(reseller.id, quote)
            if purchase is None:
                purchase = _start(reseller, quote, prices, by=by, once=once)
        except VersionConflict:  # another request opened or closed it first
            continue
        return _finish(reseller, purchase, once)
    raise Busy


def _start(
    reseller: Reseller, quote: Quote, prices: PlatformSettings, *, by: str, once: IdempotentRequest
) -> Purchase:
    """The pending purchase and its claim. prices: what it was quoted by. Raises
    VersionConflict: there is an open one."""
    now = clock.now()
    purchase = Purchase(
        reseller.id,
        new_id("pur"),
        quantity=quote.quantity,
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
    open_checkouts.claim_quantity(tx, purchase)
    once.reserve(tx, purchase.id)
    tx.commit()
    once.ref = purchase.id if once.key else None
    return purchase


def _finish(reseller: Reseller, purchase: Purchase, once: IdempotentRequest) -> Purchase:
    """Give the purchase its session, where it has none, and record the answer."""
    for _ in range(ATTEMPTS):
        if purchase.session_id is None and purchase.status_reason is not None:
            raise InvalidRequest.of("quantity", purchase.status_reason)
        tx = Transaction()
        try:
            if purchase.session_id is None and purchase.status == Status.PENDING:
                if not open_checkouts.is_resumable(purchase):
                    return settlement.settle(purchase, once=once).purchase
                opened = _open_session(reseller, purchase)
                tx.change(
                    purchase,
                    session_id=opened.session_id,
                    checkout_url=opened.url,
                    expires_at=opened.expires_at,
                )
            once.record(tx, purchase)
            tx.commit()
        except VersionConflict:  # somebody else gave it the session, or it was paid already
            purchase = read_purchase(reseller.id, purchase.id)
        else:
            return purchase
    raise Busy


def _open_session(reseller: Reseller, purchase: Purchase) -> "OpenCheckout":
    """Raises PaymentProviderUnavailable, InvalidRequest, VersionConflict.

    What Stripe has refused it refuses again under the same key, if it remembers it, so the next
    attempt gets another: at once where the cause can be mended here, else with the buyer's next
    request.
    """
    from chalicelib.payments.checkout import open_checkout

    customer_id: str | None = reseller.stripe_customer_id
    for _ in range(ATTEMPTS):
        key = f"{purchase.id}-{purchase.checkout_attempt}"
        try:
            order = _order(reseller, purchase, customer_id)
            return open_checkout(order, idempotency_key=key)
        except PaymentProviderRefused as refused:
            if refused.why in AMOUNT_REFUSED:
                open_checkouts.abandon_checkout(purchase, str(refused))
                raise InvalidRequest.of("quantity", str(refused)) from refused
            if refused.remembered:
                _count_attempt(purchase)
            if refused.why == "resource_missing" and customer_id:
                _forget_customer(reseller, customer_id)
                customer_id = None
            elif refused.why not in ("idempotency_error", "session_closed"):
                raise
    raise PaymentProviderUnavailable


def _order(reseller: Reseller, purchase: Purchase, customer_id: str | None) -> "CheckoutRequest":
    from chalicelib.payments.checkout import CheckoutRequest

    user = get(User, reseller.user_id) if customer_id is None else None
    page = f"{settings().public_url}/reseller/licenses"
    return CheckoutRequest(
        purchase_id=purchase.id,
        reseller_id=reseller.id,
        stage=settings().table_prefix,
        quantity=purchase.quantity,
        unit_amount=purchase.unit_amount,
        currency=purchase.currency,
        product_name="License",
        customer_id=customer_id,
        customer_email=user.email if user else None,
        promotion_codes=settings().promotion_codes,
        expires_at=purchase.created_at + CHECKOUT_LIFETIME,
        success_url=f"{page}/return?purchase={purchase.id}",
        cancel_url=page,
    )


def _count_attempt(purchase: Purchase) -> None:
    tx = Transaction()
    tx.change(purchase, checkout_attempt=(purchase.checkout_attempt or 0) + 1)
    tx.commit()


def _forget_customer(reseller: Reseller, customer_id: str) -> None:
    """The customer was deleted in Stripe."""
    tx = Transaction()
    tx.update(
        Reseller(reseller.id),
        [Reseller.stripe_customer_id.remove()],
        condition=Reseller.stripe_customer_id == customer_id,
        otherwise=VersionConflict(),
    )
    with suppress(VersionConflict):  # somebody else has forgotten it first
        tx.commit()


def current_purchase(reseller_id: str, purchase_id: str) -> tuple[Purchase, bool]:
    """The purchase, settled where it waits for its payment, since the webhook may be late; and
    whether that could be done. Where it could not, it is what is stored. Raises NotFound."""
    purchase = read_purchase(reseller_id, purchase_id)
    if purchase.status not in WAITING or purchase.session_id is None:
        return purchase, True
    try:
        return settlement.settle(purchase).purchase, True
    except (PaymentProviderUnavailable, Busy) as error:
        logger.warning("Shown unsettled", extra={"purchase_id": purchase.id, "why": str(error)})
        return read_purchase(reseller_id, purchase_id), False


def read_purchase(reseller_id: str, purchase_id: str) -> Purchase:
    """Raises NotFound."""
    purchase = get(Purchase, reseller_id, purchase_id)
    if purchase is None:
        raise NotFound("purchase")
    return purchase


def list_purchases(reseller_id: str, request: Pagination) -> Page[Purchase]:
    """The reseller's purchases, newest first."""
    return query_page(Purchase, reseller_id, request, newest_first=True)
