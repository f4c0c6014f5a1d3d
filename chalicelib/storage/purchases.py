"""Table purchases: one row per Checkout."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Integer, Row, Timestamp

UNSETTLED = "unsettled"


class UnsettledPurchases(GlobalSecondaryIndex["Purchase"]):
    """The purchases that the sweep must look at again; settled ones leave it."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class PurchasesByMonth(GlobalSecondaryIndex["Purchase"]):
    """Everyone's purchases, a month of creation (`2026-11`) at a time, for the admin."""

    class Meta:
        index_name = "by-month"
        projection = KeysOnlyProjection()

    month = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Purchase(Row):
    """Money is integer cents. licenses_granted is what the pool has been given for it so far."""

    noun = "purchases"

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    quantity = Integer()
    unit_amount = Integer()
    total = Integer()
    currency = UnicodeAttribute()
    tiers_version = Integer()
    tiers = Document()
    status = UnicodeAttribute()
    status_reason = UnicodeAttribute(null=True)
    licenses_granted = Integer(default_for_new=0)
    amount_paid = Integer(default_for_new=0)
    amount_refunded = Integer(default_for_new=0)
    paid_at = Timestamp(null=True)
    expires_at = Timestamp()
    created_by = UnicodeAttribute()
    checkout_url = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    payment_intent_id = UnicodeAttribute(null=True)
    receipt_url = UnicodeAttribute(null=True)
    invoice_url = UnicodeAttribute(null=True)
    unsettled = UnicodeAttribute(null=True)
    month = UnicodeAttribute()

    unsettled_index = UnsettledPurchases()
    by_month = PurchasesByMonth()


def checkout_claim(reseller_id: str, quantity: int) -> str:
    """One open checkout per reseller and quantity."""
    return f"checkout:{reseller_id}:{quantity}"
