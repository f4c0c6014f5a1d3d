"""One Stripe client for the process, and what its failures mean to the rest of the house."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import stripe
from stripe._base_address import BaseAddresses

from chalicelib.errors import PaymentProviderRefused, PaymentProviderUnavailable
from chalicelib.observability import logger
from chalicelib.settings import settings

# A buyer waits for these; Stripe's own defaults are no retry and 80 seconds.
TIMEOUT_SECONDS = 8
NETWORK_RETRIES = 2


def client() -> stripe.StripeClient:
    """Stripe itself, or the stand-in at STRIPE_API_BASE, with the key as it is now."""
    return client_with(settings().stripe_secret_key)


@lru_cache(maxsize=1)
def client_with(secret_key: str) -> stripe.StripeClient:
    base = settings().stripe_api_base
    elsewhere: BaseAddresses = {"api": base} if base else {}
    return stripe.StripeClient(
        secret_key,
        http_client=transport(),
        max_network_retries=NETWORK_RETRIES,
        base_addresses=elsewhere,
    )


def transport() -> stripe.HTTPClient:
    """Over the network. Tests put the stand-in, in this process, in its place."""
    return stripe.RequestsClient(timeout=TIMEOUT_SECONDS)


# Not an answer to the request itself: another with the same key is under way, or too many are.
PASSING_STATUSES = frozenset({409, 429})
# Our key is wrong, or may not do this: Stripe did not look at the request.
NOT_ALLOWED = frozenset({401, 403})


@contextmanager
def stripe_errors() -> Iterator[None]:
    """Stripe out of reach: PaymentProviderUnavailable; Stripe saying no:
    PaymentProviderRefused. Stripe's own words and request id are in the log."""
    try:
        yield
    except stripe.StripeError as error:
        logger.exception(
            "Stripe refused or did not answer",
            extra={
                "stripe_error": type(error).__name__,
                "stripe_status": error.http_status,
                "stripe_code": error.code,
                "stripe_request_id": error.request_id,
                "stripe_message": error.user_message or str(error),
            },
        )
        raise _meaning(error) from error


def _meaning(error: stripe.StripeError) -> PaymentProviderUnavailable:
    status = error.http_status
    if status is None or status in PASSING_STATUSES:
        return PaymentProviderUnavailable()
    if isinstance(error, stripe.IdempotencyError):
        return PaymentProviderRefused(str(error), why="idempotency_error", permanent=False)
    return PaymentProviderRefused(
        error.user_message or "no reason given",
        why=error.code,
        permanent=400 <= status < 500 and status not in NOT_ALLOWED,
        remembered=status not in NOT_ALLOWED,
    )
