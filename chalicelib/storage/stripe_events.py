"""Table stripe-events: Stripe's events and what they led to, for people to read."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Expiry, Integer, Row, Timestamp

PROGRESS = "sweep-progress"
LATEST = "latest"


class StripeEvent(Row):
    """One event.

    `attempts` counts its deliveries. `outcome` is what the last one led to, in words.
    `status` is the purchase's status after that.
    """

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    type = UnicodeAttribute()
    object_id = UnicodeAttribute(null=True)
    purchase_id = UnicodeAttribute(null=True)
    reseller_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    outcome = UnicodeAttribute()
    attempts = Integer(default=0)
    expires_at = Expiry()


class SweepProgress(Row):
    """One row of the same table: how far the sweep is.

    Everything that Stripe listed before `seen_until` has been checked. `unsettled_after` is the
    last purchase of the sparse index that an unfinished round has checked.
    """

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    seen_until = Timestamp(null=True)
    unsettled_after = UnicodeAttribute(null=True)


class LatestEvent(Row):
    """One row of the same table: when the last event arrived."""

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    seen_at = Timestamp()
