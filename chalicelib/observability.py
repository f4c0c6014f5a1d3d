"""The shared Logger and Metrics, and the log line that summarizes each invocation."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(service="tenantry", serialize_stacktrace=False)
# Each stage has its own namespace, since stages can share an AWS account.
metrics = Metrics(
    namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Tenantry"), service="tenantry"
)


class Metric(StrEnum):
    """All our metrics. The runbook says what each one counts, under "Our metrics".

    Alarms and graphs outlive a release, so the values don't change.
    """

    # How the licenses stand; take-figures measures these every hour.
    LICENSES_OWNED = "LicensesOwned"
    LICENSES_USED = "LicensesUsed"
    LICENSES_AVAILABLE = "LicensesAvailable"
    RESELLERS = "Resellers"
    RESELLERS_LOW = "ResellersLow"
    RESELLERS_OVER_ALLOCATED = "ResellersOverAllocated"
    # Moves of the license counters.
    LICENSES_GRANTED = "LicensesGranted"
    LICENSES_REVOKED = "LicensesRevoked"
    LICENSES_TAKEN = "LicensesTaken"
    LICENSES_RELEASED = "LicensesReleased"
    LICENSES_REFUSED_EXHAUSTED = "LicensesRefusedExhausted"
    LICENSES_REFUSED_INACTIVE = "LicensesRefusedInactive"
    # Purchases and payments.
    PURCHASES_SETTLED = "PurchasesSettled"
    PURCHASES_PAID = "PurchasesPaid"
    PURCHASES_REFUNDED = "PurchasesRefunded"
    PURCHASES_DISPUTED = "PurchasesDisputed"
    PURCHASES_QUARANTINED = "PurchasesQuarantined"
    PURCHASES_PAID_TWICE = "PurchasesPaidTwice"
    PURCHASES_NOT_SETTLED = "PurchasesNotSettled"
    PAYMENTS_HEALED = "PaymentsHealed"
    SESSIONS_WITHOUT_PURCHASE = "SessionsWithoutPurchase"
    REFUNDS_GIVEN_UP = "RefundsGivenUp"
    # Webhook events from Stripe.
    WEBHOOKS_PROCESSED = "WebhooksProcessed"
    WEBHOOKS_FAILED = "WebhooksFailed"
    WEBHOOK_SIGNATURE_REFUSED = "WebhookSignatureRefused"
    # Reconciliation.
    RECONCILIATION_FINDINGS = "ReconciliationFindings"
    RECONCILIATION_REPAIRS = "ReconciliationRepairs"
    RECONCILIATION_FAILED = "ReconciliationFailed"
    UNEXPLAINED_DRIFT = "UnexplainedDrift"
    # Signing in.
    SIGN_IN_REFUSED = "SignInRefused"
    ATTEMPTS_REFUSED = "AttemptsRefused"
    # Mail.
    MAIL_SENT = "MailSent"
    MAIL_FAILED = "MailFailed"
    MAIL_GIVEN_UP = "MailGivenUp"
    # Custom domains.
    DOMAINS_VERIFIED = "DomainsVerified"
    DOMAINS_FAILING = "DomainsFailing"
    DOMAINS_SUSPENDED = "DomainsSuspended"
    DOMAIN_CHECK_OUTAGE = "DomainCheckOutage"
    # What follows a commit.
    FOLLOW_UPS_FAILED = "FollowUpsFailed"


_warm = False


@contextmanager
def invocation(message: str, request_id: str, **fields: object) -> Iterator[dict[str, object]]:
    """Log one line and flush the metrics when the block ends, even if it raises.

    The block can add to the yielded fields, such as the caller and the outcome, but never a
    secret. `milliseconds` and `cold_start` are added here. Every line logged in the block carries
    the request ID.
    """
    global _warm
    fields["cold_start"], _warm = not _warm, True
    logger.set_correlation_id(request_id)
    started = time.perf_counter()
    try:
        yield fields
    except Exception as error:
        fields["error"] = type(error).__name__
        logger.exception("Unexpected error")
        raise
    finally:
        fields["milliseconds"] = round((time.perf_counter() - started) * 1000, 1)
        logger.info(message, extra=fields)
        flush()


def request_id_of(context: object) -> str:
    """Return Lambda's invocation ID, or "local" if there is none."""
    return str(getattr(context, "aws_request_id", "local"))


def flush() -> None:
    """Send this invocation's metrics to CloudWatch through the log."""
    if metrics.metric_set:
        with _errors_logged():
            metrics.flush_metrics()


def count(metric: Metric, value: int = 1) -> None:
    """Add to a metric, which is sent when the invocation ends.

    If the metric is a level (such as licenses in use) rather than a count of events, record it once
    per measurement and read it as a maximum.
    """
    with _errors_logged():
        metrics.add_metric(name=metric.value, unit=MetricUnit.Count, value=value)


@contextmanager
def follow_up(step: str, **ids: str | None) -> Iterator[None]:
    """Log and count an error in a step that follows a commit, instead of raising it.

    The change has been made, so the request has succeeded, and a client that is told otherwise
    would repeat it. A schedule makes up for the step, or its effect wears off.
    """
    try:
        yield
    except Exception:
        count(Metric.FOLLOW_UPS_FAILED)
        logger.exception("A step after the commit failed", extra={"step": step, **ids})


@contextmanager
def _errors_logged() -> Iterator[None]:
    """Log an exception instead of raising it: a failed metric must not make the operation fail."""
    try:
        yield
    except Exception:
        logger.exception("Could not record a metric")
