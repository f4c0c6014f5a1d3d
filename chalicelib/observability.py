"""The one Logger and the one Metrics, and the line that each invocation leaves behind."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(service="tenantry", serialize_stacktrace=False)
# A namespace per stage, since stages may share an account.
metrics = Metrics(
    namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Tenantry"), service="tenantry"
)

_warm = False


@contextmanager
def invocation(message: str, request_id: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """Write one log line for all of it, and its metrics, however it ends.

    The block adds to the fields that it is given: who called, what came of it, never a
    secret. milliseconds and cold_start are added here; request_id is on every line between.
    """
    global _warm
    fields["cold_start"], _warm = not _warm, True
    logger.set_correlation_id(request_id)
    began = time.perf_counter()
    try:
        yield fields
    except Exception as error:
        fields["error"] = type(error).__name__
        logger.exception("Unexpected error")
        raise
    finally:
        fields["milliseconds"] = round((time.perf_counter() - began) * 1000, 1)
        logger.info(message, extra=fields)
        flush()


def request_id_of(context: Any) -> str:
    """Lambda's id of an invocation; on one machine there is none."""
    return str(getattr(context, "aws_request_id", "local"))


def flush() -> None:
    """Hand this invocation's metrics to CloudWatch, by way of the log."""
    if metrics.metric_set:
        with _harmless():
            metrics.flush_metrics()


def count(name: str, value: int = 1) -> None:
    """Add to a metric of this invocation; see invocation(). What stands at a moment (licenses
    in use, say) is counted once by whoever looks, and read as a maximum."""
    with _harmless():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


@contextmanager
def _harmless() -> Iterator[None]:
    """What is counted has happened already: a number that cannot be told must not undo it."""
    try:
        yield
    except Exception:
        logger.exception("A metric was not told")
