"""The process-wide Stripe client, and the mapping of its errors to domain errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import stripe
from stripe._base_address import BaseAddresses

from chalicelib.errors import PaymentProviderRefused, PaymentProviderUnavailable
from chalicelib.observability import logger
from chalicelib.settings import settings

# A buyer is waiting while these calls run. The SDK's defaults are no retries and an 80-second
# timeout.
TIMEOUT_SECONDS = 8
NETWORK_RETRIES = 2


def client() -> stripe.StripeClient:
    """Return a client for Stripe, or for the server at STRIPE_API_BASE if that is set."""
    return client_with(settings().stripe_secret_key)


@lru_cache(maxsize=1)
def client_with(secret_key: str) -> stripe.StripeClient:
    """Return the client for this key, cached until the key changes."""
    base = settings().stripe_api_base
    base_addresses: BaseAddresses = {"api": base} if base else {}
    return stripe.StripeClient(
        secret_key,
        http_client=transport(),
        max_network_retries=NETWORK_RETRIES,
        base_addresses=base_addresses,
    )


def transport() -> stripe.HTTPClient:
    """Return an HTTP client for the SDK. Tests replace it with the in-process simulator."""
    return stripe.RequestsClient(timeout=TIMEOUT_SECONDS)


# Temporary: another request with the same idempotency key is in progress, or we hit a rate limit.
TRANSIENT_STATUSES = frozenset({409, 429})
# Stripe rejected our API key or its permissions before processing the request.
UNAUTHORIZED_STATUSES = frozenset({401, 403})


@contextmanager
def stripe_errors() -> Iterator[None]:
    """Log an SDK error with Stripe's message and request ID, and raise the matching domain error.

    PaymentProviderUnavailable means that Stripe did not answer or was busy: the request may or
    may not have taken effect. PaymentProviderRefused means that Stripe answered with an error.
    """
    try:
        yield
    except stripe.StripeError as error:
        logger.exception(
            "Stripe request failed",
            extra={
                "stripe_error": type(error).__name__,
                "stripe_status": error.http_status,
                "stripe_code": error.code,
                "stripe_request_id": error.request_id,
                "stripe_message": error.user_message or str(error),
            },
        )
        raise _domain_error(error) from error


def _domain_error(error: stripe.StripeError) -> PaymentProviderUnavailable:
    status = error.http_status
    if status is None or status in TRANSIENT_STATUSES:
        return PaymentProviderUnavailable()
    if isinstance(error, stripe.IdempotencyError):
        return PaymentProviderRefused(
            str(error), provider_code="idempotency_error", permanent=False
        )
    return PaymentProviderRefused(
        error.user_message or "no reason given",
        provider_code=error.code,
        permanent=400 <= status < 500 and status not in UNAUTHORIZED_STATUSES,
        key_consumed=status not in UNAUTHORIZED_STATUSES,
    )
