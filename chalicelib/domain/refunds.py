"""How much money is refunded when licenses are returned.

Volume prices depend on the size of the whole order, so the licenses that are kept are charged at
the price of their own tier: someone who bought 100 licenses at 15.00 each and returns 91 keeps 9 at
25.00 each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain import pricing
from chalicelib.domain.pricing import Tier


@dataclass(frozen=True, slots=True)
class PaidPurchase:
    """A paid purchase. Amounts are integer cents.

    `licenses` is the number of licenses it is currently worth, `total` is its price before
    discounts, `paid` is its price after discounts, and `refunded` is the amount refunded so far.
    """

    licenses: int
    total: int
    paid: int
    refunded: int
    tiers: Sequence[Tier]


@dataclass(frozen=True, slots=True)
class RefundQuote:
    """The refund for returning `licenses`.

    `amount` is in integer cents; it is 0 if the `kept` licenses cost as much as all of them did.
    """

    licenses: int
    kept: int
    amount: int


def refund_quote(purchase: PaidPurchase, licenses: int) -> RefundQuote:
    """Return the refund for `licenses` (1 to purchase.licenses); the amount is never negative.

    A discount applies to the kept licenses in the same proportion. Their price is rounded up to a
    whole cent, so that a payment is never fully refunded while any license is kept.
    """
    kept = purchase.licenses - licenses
    price = pricing.total(kept, purchase.tiers)
    kept_price = -(-price * purchase.paid // purchase.total) if price else 0
    return RefundQuote(licenses, kept, max(0, purchase.paid - purchase.refunded - kept_price))
