"""Prices, purchases, and refunds."""

from typing import Annotated

from pydantic import Field

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.pricing import Quote
from chalicelib.domain.purchases import Status
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import (
    Input,
    ListQuery,
    Output,
    Quantity,
    Query,
    Reason,
    RowOutput,
    Time,
    one_of,
)
from chalicelib.http.requests import Call, Empty
from chalicelib.services.purchases import accept_payment, checkout, settlement
from chalicelib.services.refunds import refund_requests
from chalicelib.services.settings import platform_settings
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Page

routes = Routes(__name__)

PURCHASES = "/v1/resellers/{reseller}/purchases"
PURCHASE = PURCHASES + "/{id}"


class TierOutput(Output):
    """In an order of `from` or more licenses, each license costs `unit_amount` cents."""

    from_: int = Field(alias="from", validation_alias="from_quantity")
    unit_amount: int


class Pricing(Output):
    currency: str
    tiers_version: int = Field(description="Changes whenever the prices change.")
    price_tiers: list[TierOutput]


class OfferOutput(Output):
    quantity: int
    total: int = Field(description="Integer cents.")


class QuoteOutput(Output):
    quantity: int
    unit_amount: int = Field(description="The price of each license, in integer cents.")
    total: int = Field(description="The price of the order, in integer cents.")
    currency: str
    better_offer: OfferOutput | None = Field(
        description="A larger order that costs the same or less, if there is one."
    )


class QuoteQuery(Query):
    quantity: Quantity


class NewPurchase(Input):
    quantity: Quantity


class NewRefund(Input):
    """A refund request.

    If `amount` and `kept` from a refund quote are sent, they must still apply.
    """

    licenses: Quantity = Field(description="The number of licenses to take back.")
    reason: Reason
    amount: Annotated[int, Field(ge=0)] | None = None
    kept: Annotated[int, Field(ge=0)] | None = None


class Acceptance(Input):
    reason: Reason


class RefundQuoteQuery(Query):
    licenses: Quantity = Field(description="The number of licenses to take back.")


class RefundQuoteOutput(Output):
    licenses: int
    kept: int = Field(description="The number of licenses left in the purchase.")
    amount: int = Field(
        description="The refund in integer cents: the amount paid and not yet refunded, minus the "
        "price of the kept licenses at the tier for that quantity."
    )
    currency: str


class RefundOutput(Output):
    """A refund requested by an admin."""

    id: str
    licenses: int
    amount: int = Field(description="Integer cents.")
    reason: str
    by: str = Field(description="The ID of the user who requested the refund.")
    at: str
    state: str = Field(
        description="`open` (in progress), `done`, `failed` (the money came back later), or "
        "`refused`."
    )
    note: str | None = Field(description="The last error, or why the refund was refused.")


class PurchaseOutput(RowOutput):
    """A purchase. Amounts are integer cents.

    While the purchase is `pending`, the buyer pays at `checkout_url`.
    """

    id: str
    reseller_id: str
    status: str = Field(description=f"{one_of(Status)}.")
    status_reason: str | None = Field(
        description="Why the purchase is quarantined, or how its payment differs from the quote."
    )
    quantity: int
    unit_amount: int
    total: int
    currency: str
    tiers_version: int
    licenses_granted: int = Field(
        description="The number of licenses the reseller currently has from this purchase."
    )
    amount_paid: int
    amount_refunded: int
    checkout_url: str | None
    expires_at: Time = Field(description="When the checkout closes.")
    paid_at: Time | None
    receipt_url: str | None
    invoice_url: str | None
    created_by: str
    refunds: list[RefundOutput] = Field(validation_alias="refund_list")


@routes.get("/v1/pricing", Audience.PUBLIC, Scope.READ, returns=Pricing)
def read_pricing(_call: Call[Empty]) -> Pricing:
    """Get the volume prices.

    Every license in an order is sold at the price of the order's tier.
    """
    row = platform_settings.cached_settings()
    return Pricing(
        currency=settings().currency,
        tiers_version=row.tiers_version,
        price_tiers=[TierOutput.model_validate(tier) for tier in platform_settings.tiers(row)],
    )


@routes.get("/v1/pricing/quote", Audience.PUBLIC, Scope.READ, returns=QuoteOutput)
def read_quote(call: Call[QuoteQuery]) -> dict[str, object]:
    """Get the current price for a given number of licenses."""
    quote: Quote = platform_settings.quote(call.input.quantity)
    return {
        "quantity": quote.quantity,
        "unit_amount": quote.unit_amount,
        "total": quote.total,
        "currency": settings().currency,
        "better_offer": quote.better_offer,
    }


@routes.post(
    PURCHASES, Audience.RESELLER, Scope.PURCHASES, returns=PurchaseOutput, created=PURCHASE
)
def buy_licenses(call: Call[NewPurchase]) -> Purchase:
    """Buy licenses.

    Opens a checkout. If a checkout for the same quantity and price is already open, it is returned.
    """
    return checkout.buy_licenses(call.reseller, call.input.quantity, by=call.by, once=call.once)


@routes.get(PURCHASES, Audience.RESELLER, Scope.READ, returns=PurchaseOutput)
def list_purchases(call: Call[ListQuery]) -> Page[Purchase]:
    """List a reseller's purchases, newest first."""
    return checkout.list_purchases(call.reseller.id, call.input.page)


@routes.get(PURCHASE, Audience.RESELLER, Scope.READ, returns=PurchaseOutput)
def read_purchase(call: Call[Empty]) -> Purchase:
    """Get a purchase.

    If the purchase is awaiting payment, its state is checked in Stripe first.
    """
    purchase, _ = checkout.current_purchase(call.reseller.id, call.path["id"])
    return purchase


@routes.post(PURCHASE + "/settle", Audience.ADMIN, Scope.ADMIN, returns=PurchaseOutput)
def settle_purchase(call: Call[Empty]) -> Purchase:
    """Settle a purchase.

    Reads the payment's current state from Stripe, and adjusts the purchase and the licenses it
    grants.
    """
    purchase = checkout.read_purchase(call.path["reseller"], call.path["id"])
    return settlement.settle(purchase, by=call.by, once=call.once).purchase


@routes.post(PURCHASE + "/accept", Audience.ADMIN, Scope.ADMIN, returns=PurchaseOutput)
def accept_as_paid(call: Call[Acceptance]) -> Purchase:
    """Accept a quarantined payment.

    Grants the quoted licenses for the amount actually paid.
    """
    purchase = checkout.read_purchase(call.path["reseller"], call.path["id"])
    return accept_payment.accept_as_paid(
        purchase, reason=call.input.reason, by=call.by, once=call.once
    )


@routes.get(PURCHASE + "/refund-quote", Audience.ADMIN, Scope.ADMIN, returns=RefundQuoteOutput)
def quote_refund(call: Call[RefundQuoteQuery]) -> dict[str, object]:
    """Get the amount that a refund would return to the buyer."""
    purchase = checkout.read_purchase(call.path["reseller"], call.path["id"])
    quote = refund_requests.quote_refund(purchase, call.input.licenses)
    return {
        "licenses": quote.licenses,
        "kept": quote.kept,
        "amount": quote.amount,
        "currency": purchase.currency,
    }


@routes.post(
    PURCHASE + "/refunds", Audience.ADMIN, Scope.ADMIN, returns=PurchaseOutput, created=PURCHASE
)
def refund_licenses(call: Call[NewRefund]) -> Purchase:
    """Refund licenses.

    Refunds the payment through Stripe and takes the licenses back, even if they are in use.
    """
    purchase = checkout.read_purchase(call.path["reseller"], call.path["id"])
    new = call.input
    return refund_requests.refund_licenses(
        purchase,
        new.licenses,
        reason=new.reason,
        by=call.by,
        amount=new.amount,
        kept=new.kept,
        once=call.once,
    )
