"""Table stripe-events: what Stripe told us and what came of it, for a person to read."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Expiry, Integer, Row, Timestamp

PROGRESS = "sweep-progress"
LATEST = "latest"


class StripeEvent(Row):
    """outcome: settled +12, nothing to do, ignored, no purchase of ours, quarantined: why,
    failed: how. attempts: how often Stripe delivered it. status: the purchase's, afterwards."""

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    type = UnicodeAttribute()
    object_id = UnicodeAttribute(null=True)
    purchase_id = UnicodeAttribute(null=True)
    reseller_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    outcome = UnicodeAttribute()
    attempts = Integer(default_for_new=0)
    expires_at = Expiry()


class SweepProgress(Row):
    """One row of the same table: how far the sweep has come.

    seen_until: what Stripe listed before this moment has been looked at. unsettled_after: the
    last purchase of the sparse index that an unfinished round has looked at.
    """

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    seen_until = Timestamp(null=True)
    unsettled_after = UnicodeAttribute(null=True)


class LatestEvent(Row):
    """One row of the same table: when Stripe's last message arrived."""

    noun = "stripe-events"

    id = UnicodeAttribute(hash_key=True)
    seen_at = Timestamp()
