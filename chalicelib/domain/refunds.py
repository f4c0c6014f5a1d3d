"""What is paid back for licenses that are given back.

Volume prices are of the whole order, so those that are kept must bear their own tier's price:
who buys 100 at 15.00 and returns 91 has kept 9, which cost 25.00 each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain import pricing
from chalicelib.domain.pricing import Tier


@dataclass(frozen=True, slots=True)
class Paid:
    """A paid purchase. licenses: what it is worth now. Integer cents: total before discounts,
    paid after them, refunded of that so far."""

    licenses: int
    total: int
    paid: int
    refunded: int
    tiers: Sequence[Tier]


@dataclass(frozen=True, slots=True)
class RefundQuote:
    """amount: integer cents; 0 where what is kept costs as much as all did."""

    licenses: int
    kept: int
    amount: int


def refund_quote(purchase: Paid, licenses: int) -> RefundQuote:
    """What `licenses` (1 to purchase.licenses) give back, never below 0.

    A discounted purchase keeps its discount: the kept licenses bear the same share of their
    price, rounded up to a cent, so that money is left for as long as a license is.
    """
    kept = purchase.licenses - licenses
    price = pricing.total(kept, purchase.tiers)
    kept_costs = -(-price * purchase.paid // purchase.total) if price else 0
    return RefundQuote(licenses, kept, max(0, purchase.paid - purchase.refunded - kept_costs))
