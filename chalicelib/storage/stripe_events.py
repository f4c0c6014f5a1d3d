"""Table stripe-events: the events from Stripe and their outcomes, for admins to read."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Expiry, Integer, Row, Timestamp

PROGRESS = "sweep-progress"
LATEST = "latest"


class StripeEvent(Row):
    """One event.

    `attempts` counts the event's deliveries. `outcome` describes the result of the last delivery.
    `status` is the purchase's status after that delivery.
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
    """One row in the same table: the sweep's progress.

    All of Stripe's events from before `seen_until` have been checked. `unsettled_after` is the last
    purchase in the sparse index that an unfinished round has checked.
    """

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    seen_until = Timestamp(null=True)
    unsettled_after = UnicodeAttribute(null=True)


class LatestEvent(Row):
    """One row in the same table: when the last event arrived."""

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    seen_at = Timestamp()
