"""Table stripe-events: what Stripe told us and what came of it, for a person to read."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Expiry, Integer, Row


class StripeEvent(Row):
    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    type = UnicodeAttribute()
    object_id = UnicodeAttribute(null=True)
    purchase_id = UnicodeAttribute(null=True)
    outcome = UnicodeAttribute()
    attempts = Integer(default_for_new=0)
    expires_at = Expiry()
