"""What Stripe's own lists say happened, for whoever missed being told."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import stripe

from chalicelib.payments.client import client, stripe_errors
from chalicelib.payments.reports import metadata_value
from chalicelib.payments.webhooks import HANDLED, StripeMessage, message_of

PAGE = 100  # the most that Stripe gives at once


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """Which purchase a session was made for, by its metadata."""

    session_id: str
    at: datetime
    purchase_id: str | None
    reseller_id: str | None
    stage: str | None


def sessions_between(
    start: datetime, end: datetime, *, most: int | None = None
) -> list[SessionOwner]:
    """The sessions made in [start, end], oldest first. Raises PaymentProviderUnavailable.

    most: of more than so many, only the newest so many.
    """
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            {"created": _between(start, end), "limit": PAGE}
        )
        owners = [_owner(session) for session in islice(listing.auto_paging_iter(), most)]
    return owners[::-1]


def sessions_page(
    start: datetime, end: datetime, after: str | None
) -> tuple[list[SessionOwner], str | None]:
    """One page of the sessions made in [start, end], newest first, from the one after `after`;
    and where to go on, None at the end. Raises PaymentProviderUnavailable."""
    asked: Any = {"created": _between(start, end), "limit": PAGE}
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            asked | ({"starting_after": after} if after else {})
        )
    owners = [_owner(session) for session in listing.data]
    return owners, owners[-1].session_id if listing.has_more and owners else None


def events_between(
    start: datetime, end: datetime, *, most: int | None = None
) -> list[StripeMessage]:
    """The events in [start, end] that a webhook should have told of, oldest first. Stripe
    keeps them for 30 days. Raises PaymentProviderUnavailable.

    most: of more than so many, only the newest so many.
    """
    with stripe_errors():
        listing = client().v1.events.list(
            {"created": _between(start, end), "types": sorted(HANDLED), "limit": PAGE}
        )
        messages = (message_of(event.to_dict()) for event in listing.auto_paging_iter())
        found = list(islice(filter(None, messages), most))
    return found[::-1]


def session_of_payment(payment_intent_id: str) -> SessionOwner | None:
    """The session that a payment came through. Raises PaymentProviderUnavailable."""
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            {"payment_intent": payment_intent_id, "limit": 1}
        )
    return _owner(listing.data[0]) if listing.data else None


def _between(start: datetime, end: datetime) -> Any:
    """Stripe's times are whole seconds; the end's own second is in it as far as it has come."""
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
