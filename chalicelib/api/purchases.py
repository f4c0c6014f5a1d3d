"""Prices and purchases."""

from typing import Annotated

from pydantic import Field

from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import (
    Input,
    ListQuery,
    Output,
    Quantity,
    Query,
    Reason,
    RowOutput,
    Time,
)
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
from chalicelib.domain.pricing import Quote
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
    """From this quantity on, each license of the order costs unit_amount cents."""

    from_: int = Field(alias="from", validation_alias="from_quantity")
    unit_amount: int


class Pricing(Output):
    currency: str
    tiers_version: int
    price_tiers: list[TierOutput]


class OfferOutput(Output):
    quantity: int
    total: int


class QuoteOutput(Output):
    """better_offer: a larger order that costs less or the same, where there is one."""

    quantity: int
    unit_amount: int
    total: int
    currency: str
    better_offer: OfferOutput | None


class QuoteQuery(Query):
    quantity: Quantity


class NewPurchase(Input):
    quantity: Quantity


class NewRefund(Input):
    """amount, kept: what refund-quote answered; refused where either would be another by
    now."""

    licenses: Quantity
    reason: Reason
    amount: Annotated[int, Field(ge=0)] | None = None
    kept: Annotated[int, Field(ge=0)] | None = None


class Acceptance(Input):
    reason: Reason


class RefundQuoteQuery(Query):
    licenses: Quantity


class RefundQuoteOutput(Output):
    """kept: the licenses that stay. amount: integer cents, what was paid less what the kept
    ones cost at their own tier."""

    licenses: int
    kept: int
    amount: int
    currency: str


class RefundOutput(Output):
    """A refund that an admin wanted. state: open (under way), done, failed (made, and undone
    later), refused; note: why."""

    id: str
    licenses: int
    amount: int
    reason: str
    by: str
    at: str
    state: str
    note: str | None


class PurchaseOutput(RowOutput):
    """Money is integer cents. Pay at checkout_url until expires_at."""

    id: str
    reseller_id: str
    status: str
    status_reason: str | None
    quantity: int
    unit_amount: int
    total: int
    currency: str
    tiers_version: int
    licenses_granted: int
    amount_paid: int
    amount_refunded: int
    checkout_url: str | None
    expires_at: Time
    paid_at: Time | None
    receipt_url: str | None
    invoice_url: str | None
    created_by: str
    refunds: list[RefundOutput] = Field(validation_alias="refund_list")


@routes.get("/v1/pricing", Audience.PUBLIC, Scope.READ, returns=Pricing)
def read_pricing(_call: Call[Empty]) -> Pricing:
    """The volume prices: the whole order is charged at the price of its tier."""
    row = platform_settings.cached_settings()
    return Pricing(
        currency=settings().currency,
        tiers_version=row.tiers_version,
        price_tiers=[TierOutput.model_validate(tier) for tier in platform_settings.tiers(row)],
    )


@routes.get("/v1/pricing/quote", Audience.PUBLIC, Scope.READ, returns=QuoteOutput)
def read_quote(call: Call[QuoteQuery]) -> dict[str, object]:
    """What so many licenses cost now."""
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
    """Open a checkout; asking again while it is open returns the same one."""
    return checkout.buy_licenses(call.reseller, call.input.quantity, by=call.by, once=call.once)


@routes.get(PURCHASES, Audience.RESELLER, Scope.READ, returns=PurchaseOutput)
def list_purchases(call: Call[ListQuery]) -> Page[Purchase]:
    """The reseller's purchases, newest first."""
    return checkout.list_purchases(call.reseller.id, call.input.page)


@routes.get(PURCHASE, Audience.RESELLER, Scope.READ, returns=PurchaseOutput)
def read_purchase(call: Call[Empty]) -> Purchase:
    """One purchase; while it waits to be paid, Stripe is asked first."""
    purchase, _ = checkout.current_purchase(call.reseller.id, call.path["id"])
    return purchase


@routes.post(PURCHASE + "/settle", Audience.ADMIN, Scope.ADMIN, returns=PurchaseOutput)
def settle_purchase(call: Call[Empty]) -> Purchase:
    """Ask Stripe now and make the pool worth what it says."""
    purchase = checkout.read_purchase(call.path["reseller"], call.path["id"])
    return settlement.settle(purchase, by=call.by, once=call.once).purchase


@routes.post(PURCHASE + "/accept", Audience.ADMIN, Scope.ADMIN, returns=PurchaseOutput)
def accept_as_paid(call: Call[Acceptance]) -> Purchase:
    """Give the licenses of a quarantined purchase for what was paid."""
    purchase = checkout.read_purchase(call.path["reseller"], call.path["id"])
    return accept_payment.accept_as_paid(
        purchase, reason=call.input.reason, by=call.by, once=call.once
    )


@routes.get(PURCHASE + "/refund-quote", Audience.ADMIN, Scope.ADMIN, returns=RefundQuoteOutput)
def quote_refund(call: Call[RefundQuoteQuery]) -> dict[str, object]:
    """What a refund of so many licenses would pay back."""
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
    """Pay licenses back through Stripe, and take them out of the pool."""
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
