"""The shared Logger and Metrics, and the log line that summarizes each invocation."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(service="tenantry", serialize_stacktrace=False)
# Each stage has its own namespace, since stages can share an AWS account.
metrics = Metrics(
    namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Tenantry"), service="tenantry"
)

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


def count(name: str, value: int = 1) -> None:
    """Add to a metric, which is sent when the invocation ends.

    If the metric is a level (such as licenses in use) rather than a count of events, record it once
    per measurement and read it as a maximum.
    """
    with _errors_logged():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


@contextmanager
def _errors_logged() -> Iterator[None]:
    """Log an exception instead of raising it: a failed metric must not make the operation fail."""
    try:
        yield
    except Exception:
        logger.exception("Could not record a metric")
