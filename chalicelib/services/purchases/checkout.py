"""Buy licenses: write the purchase row first, then open a Stripe Checkout Session for it.

A crash between these steps leaves a pending purchase without a session. The next request for the
same quantity resumes that purchase, even without the same Idempotency-Key: Stripe returns the same
session for the purchase's own idempotency key.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.pricing import LARGEST_TOTAL, Quote
from chalicelib.domain.purchases import CHECKOUT_LIFETIME, Status
from chalicelib.domain.wording import text_of
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
from chalicelib.storage import retries
from chalicelib.storage.platform_settings import PlatformSettings
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

if TYPE_CHECKING:
    from chalicelib.payments.checkout import CheckoutRequest, CheckoutSession

# Stripe's error codes for an amount outside its limits, for which no retry can succeed.
AMOUNT_REFUSED = frozenset({"amount_too_small", "amount_too_large"})
AWAITING_PAYMENT = frozenset({Status.PENDING, Status.PROCESSING})


def buy_licenses(
    reseller: Reseller, quantity: int, *, by: Actor, once: IdempotentRequest = NO_KEY
) -> Purchase:
    """Return an open checkout for `quantity` licenses. A repeated call returns the same one.

    Invariant: a reseller has at most one open checkout per quantity, and it is at the current
    price. A checkout at an older price is expired, or settled if it was just paid.
    If Stripe does not respond or the process crashes, the pending purchase stays, and the next
    request resumes it. Raises InvalidRequest (the amount is outside the limits), Busy, and
    PaymentProviderUnavailable.
    """
    if once.ref is not None:
        return _finish(reseller, read_purchase(reseller.id, once.ref), once)
    prices = platform_settings.cached_settings()  # read once, so that total and tiers match
    quote = platform_settings.quote(quantity, prices)
    if quote.total > LARGEST_TOTAL:
        raise InvalidRequest.of(
            "quantity", "The total is too high for one order. Split it into smaller orders."
        )

    def find_or_create() -> Purchase:
        found = open_checkouts.find_open_checkout(reseller.id, quote)
        return found or _create_purchase(reseller, quote, prices, by=by, once=once)

    return _finish(reseller, retries.retry(find_or_create), once)


def _create_purchase(
    reseller: Reseller,
    quote: Quote,
    prices: PlatformSettings,
    *,
    by: Actor,
    once: IdempotentRequest,
) -> Purchase:
    """Write the pending purchase and its claim on the quantity, in one transaction.

    `prices` holds the tiers that the quote came from. Raises VersionConflict if there is already an
    open checkout for this quantity.
    """
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
        created_by=by.id,
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
    """Open a session for a purchase that has none, and record the response under the request's key.

    Condition: the purchase is unchanged since it was read. If another request has opened its
    session or settled it, the purchase is re-read and returned.
    """

    def finish(current: Purchase) -> Purchase:
        if current.session_id is None and current.reasons:
            raise InvalidRequest.of("quantity", text_of(current.reasons))
        tx = Transaction()
        if current.session_id is None and current.status == Status.PENDING:
            if not open_checkouts.is_resumable(current):
                return settlement.settle(current, once=once).purchase
            opened = _open_session(reseller, current)
            tx.change(
                current,
                session_id=opened.session_id,
                checkout_url=opened.url,
                expires_at=opened.expires_at,
            )
        once.record(tx, current)
        tx.commit()
        return current

    return retries.act_on_current(
        lambda: read_purchase(reseller.id, purchase.id), finish, first=purchase
    )


class _AskAgain(Exception):
    """Stripe refused to open a session, for a reason that does not hold for the next attempt."""


def _open_session(reseller: Reseller, purchase: Purchase) -> "CheckoutSession":
    """Open the Checkout Session in Stripe.

    If Stripe has stored an error under our idempotency key, it would return the same error again.
    The next attempt therefore uses a new key: immediately if the cause can be removed, otherwise on
    the buyer's next request. Raises PaymentProviderUnavailable, InvalidRequest, and
    VersionConflict.
    """
    from chalicelib.payments.checkout import open_checkout

    customer_id: str | None = reseller.stripe_customer_id

    def ask() -> "CheckoutSession":
        nonlocal customer_id
        key = f"{purchase.id}-{purchase.checkout_attempt}"
        try:
            request = _checkout_request(reseller, purchase, customer_id)
            return open_checkout(request, idempotency_key=key)
        except PaymentProviderRefused as refused:
            if refused.provider_code in AMOUNT_REFUSED:
                open_checkouts.abandon_checkout(purchase, str(refused))
                raise InvalidRequest.of("quantity", str(refused)) from refused
            if refused.key_consumed:
                _increment_attempt(purchase)
            if refused.provider_code == "resource_missing" and customer_id:
                _forget_customer(reseller, customer_id)
                customer_id = None
            elif refused.provider_code not in ("idempotency_error", "session_closed"):
                raise
            raise _AskAgain from refused

    return retries.retry(ask, conflict=_AskAgain, otherwise=PaymentProviderUnavailable())


def _checkout_request(
    reseller: Reseller, purchase: Purchase, customer_id: str | None
) -> "CheckoutRequest":
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


def _increment_attempt(purchase: Purchase) -> None:
    """Make the next attempt to open a session use a new idempotency key."""
    tx = Transaction()
    tx.change(purchase, checkout_attempt=(purchase.checkout_attempt or 0) + 1)
    tx.commit()


def _forget_customer(reseller: Reseller, customer_id: str) -> None:
    """Remove a customer ID from the reseller because Stripe no longer has that customer."""
    tx = Transaction()
    tx.update(
        Reseller(reseller.id),
        [Reseller.stripe_customer_id.remove()],
        condition=Reseller.stripe_customer_id == customer_id,
        otherwise=VersionConflict(),
    )
    with suppress(VersionConflict):  # another request has removed or replaced it
        tx.commit()


def current_purchase(reseller_id: str, purchase_id: str) -> tuple[Purchase, bool]:
    """Return the purchase, and whether it is known to be current.

    A purchase that is awaiting payment is settled first, because the webhook may be late. If
    settling fails, returns the stored row and False. Raises NotFound.
    """
    purchase = read_purchase(reseller_id, purchase_id)
    if purchase.status not in AWAITING_PAYMENT or purchase.session_id is None:
        return purchase, True
    try:
        return settlement.settle(purchase).purchase, True
    except (PaymentProviderUnavailable, Busy) as error:
        logger.warning(
            "Could not settle the purchase; returning the stored row",
            extra={"purchase_id": purchase.id, "why": str(error)},
        )
        return read_purchase(reseller_id, purchase_id), False


def read_purchase(reseller_id: str, purchase_id: str) -> Purchase:
    """Return one of a reseller's purchases. Raises NotFound."""
    purchase = get(Purchase, reseller_id, purchase_id)
    if purchase is None:
        raise NotFound("purchase")
    return purchase


def list_purchases(reseller_id: str, request: Pagination) -> Page[Purchase]:
    """Return a page of the reseller's purchases, newest first."""
    return query_page(Purchase, reseller_id, request, newest_first=True)
