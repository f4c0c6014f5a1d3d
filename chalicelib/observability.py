"""The one Logger and the one Metrics."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(service="tenantry", serialize_stacktrace=False)
metrics = Metrics(namespace="Tenantry", service="tenantry")


def flush() -> None:
    """Hand this invocation's metrics to CloudWatch, by way of the log."""
    if metrics.metric_set:
        metrics.flush_metrics()


def count(name: str, value: int = 1) -> None:
    """Add to a metric of this invocation; the function that was invoked flushes them."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
