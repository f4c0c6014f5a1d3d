"""List recent Checkout Sessions and events, to find any whose webhook never arrived."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import stripe

from chalicelib.payments.client import client, stripe_errors
from chalicelib.payments.reports import metadata_value
from chalicelib.payments.webhooks import HANDLED_EVENTS, WebhookEvent, parse_event

if TYPE_CHECKING:
    from stripe.params.checkout import SessionListParams, SessionListParamsCreated

PAGE = 100  # Stripe's maximum page size


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """The purchase that a session belongs to, according to the session's metadata.

    `at` is when Stripe created the session. `purchase_id`, `reseller_id`, and `stage` are None if
    another product created the session in the same Stripe account.
    """

    session_id: str
    at: datetime
    purchase_id: str | None
    reseller_id: str | None
    stage: str | None


def sessions_between(
    start: datetime, end: datetime, *, limit: int | None = None
) -> list[SessionOwner]:
    """Return the sessions created in [start, end], oldest first.

    With `limit`, return only that many of the newest sessions. Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            {"created": _created_between(start, end), "limit": PAGE}
        )
        owners = [_owner(session) for session in islice(listing.auto_paging_iter(), limit)]
    return owners[::-1]


def sessions_page(
    start: datetime, end: datetime, after: str | None
) -> tuple[list[SessionOwner], str | None]:
    """Return one page of the sessions created in [start, end], newest first.

    The page starts after the session whose ID is `after`. The second return value is the `after`
    argument for the next page, or None on the last page. Raises PaymentProviderUnavailable.
    """
    params: SessionListParams = {"created": _created_between(start, end), "limit": PAGE}
    if after:
        params["starting_after"] = after
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(params)
    owners = [_owner(session) for session in listing.data]
    return owners, owners[-1].session_id if listing.has_more and owners else None


def events_between(
    start: datetime, end: datetime, *, limit: int | None = None
) -> list[WebhookEvent]:
    """Return the events with a handled type created in [start, end], oldest first.

    With `limit`, return only that many of the newest events. Stripe keeps events for 30 days.
    Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        listing = client().v1.events.list(
            {
                "created": _created_between(start, end),
                "types": sorted(HANDLED_EVENTS),
                "limit": PAGE,
            }
        )
        events = (parse_event(event.to_dict()) for event in listing.auto_paging_iter())
        found = list(islice(filter(None, events), limit))
    return found[::-1]


def session_of_payment(payment_intent_id: str) -> SessionOwner | None:
    """Return the session that created this payment, or None. Raises PaymentProviderUnavailable."""
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            {"payment_intent": payment_intent_id, "limit": 1}
        )
    return _owner(listing.data[0]) if listing.data else None


def _created_between(start: datetime, end: datetime) -> "SessionListParamsCreated":
    # Stripe's timestamps are in whole seconds. `end` is included, although that second may not be
    # over.
    return {"gte": int(start.timestamp()), "lte": int(end.timestamp())}


def _owner(session: stripe.checkout.Session) -> SessionOwner:
    metadata = session.metadata
    return SessionOwner(
        session.id,
        datetime.fromtimestamp(session.created, UTC),
        metadata_value(metadata, "purchase_id"),
        metadata_value(metadata, "reseller_id"),
        metadata_value(metadata, "stage"),
    )
