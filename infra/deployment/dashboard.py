"""The CloudWatch dashboard. The graphs are in the order in which an admin needs them."""

import json
from typing import Any

from chalicelib.observability import Metric
from infra.deployment.inventory import Function

COLUMNS = 24
FIVE_MINUTES = 300
HOUR = 3600

MetricRow = list[Any]
"""A metric on a graph: its namespace, name, dimensions, and options."""
Widget = dict[str, Any]

# Current levels. take-figures reports them every hour, so graph the value instead of a sum.
GAUGES = {
    "Licenses owned, used, and available": [
        Metric.LICENSES_OWNED,
        Metric.LICENSES_USED,
        Metric.LICENSES_AVAILABLE,
    ],
    "Resellers: total, low, over-allocated": [
        Metric.RESELLERS,
        Metric.RESELLERS_LOW,
        Metric.RESELLERS_OVER_ALLOCATED,
    ],
}
# Events per hour.
COUNTERS = {
    "Licenses granted and revoked": [Metric.LICENSES_GRANTED, Metric.LICENSES_REVOKED],
    "Licenses taken and released by tenants": [Metric.LICENSES_TAKEN, Metric.LICENSES_RELEASED],
    "Refused tenant creations": [
        Metric.LICENSES_REFUSED_EXHAUSTED,
        Metric.LICENSES_REFUSED_INACTIVE,
    ],
    "Purchases": [
        Metric.PURCHASES_PAID,
        Metric.PURCHASES_SETTLED,
        Metric.PURCHASES_REFUNDED,
        Metric.PURCHASES_DISPUTED,
    ],
    "Purchases that need attention": [
        *(Metric.PURCHASES_QUARANTINED, Metric.PURCHASES_PAID_TWICE, Metric.PURCHASES_NOT_SETTLED),
        *(Metric.SESSIONS_WITHOUT_PURCHASE, Metric.PAYMENTS_HEALED, Metric.REFUNDS_GIVEN_UP),
    ],
    "Drift": [
        *(Metric.UNEXPLAINED_DRIFT, Metric.RECONCILIATION_FINDINGS, Metric.RECONCILIATION_REPAIRS),
        Metric.RECONCILIATION_FAILED,
    ],
    "Refused sign-ins": [Metric.SIGN_IN_REFUSED, Metric.ATTEMPTS_REFUSED],
    "Mail": [Metric.MAIL_SENT, Metric.MAIL_FAILED, Metric.MAIL_GIVEN_UP],
    "Custom domains": [
        *(Metric.DOMAINS_VERIFIED, Metric.DOMAINS_FAILING, Metric.DOMAINS_SUSPENDED),
        Metric.DOMAIN_CHECK_OUTAGE,
    ],
    "Failed steps after a commit": [Metric.FOLLOW_UPS_FAILED],
}
WEBHOOK = [Metric.WEBHOOKS_PROCESSED, Metric.WEBHOOKS_FAILED, Metric.WEBHOOK_SIGNATURE_REFUSED]


def dashboard(
    functions: list[Function], tables: list[dict[str, Any]], resources: dict[str, Any]
) -> dict[str, Any]:
    """Return the AWS::CloudWatch::Dashboard of a stack with these functions and tables."""
    function_names = [f"tenantry-${{Stage}}-{function.name}" for function in functions]
    alarms = [name for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"]
    webhook = [*_own_metrics(WEBHOOK), *_function_url_metrics()]
    widgets = [
        _alarm_widget(alarms),
        *(_graph(title, _own_metrics(names), HOUR, "Maximum") for title, names in GAUGES.items()),
        *(_graph(title, _own_metrics(names), HOUR) for title, names in COUNTERS.items()),
        _graph("Webhook outcomes", webhook, HOUR),
        _api_graph(),
        _lambda_graph("Duration, p99 (ms)", "Duration", "p99", function_names),
        _lambda_graph("Errors", "Errors", "Sum", function_names),
        _lambda_graph("Concurrent executions", "ConcurrentExecutions", "Maximum", function_names),
        _graph("Read capacity consumed", _capacity_metrics("ConsumedRead", tables), HOUR),
        _graph("Write capacity consumed", _capacity_metrics("ConsumedWrite", tables), HOUR),
        _graph("Throttled reads and writes", _throttle_metrics(tables)),
        _graph("Transaction conflicts", _conflict_metrics(tables)),
    ]
    body = json.dumps({"widgets": _arrange(widgets)})
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "tenantry-${Stage}"},
            "DashboardBody": {"Fn::Sub": body},
        },
    }


def _arrange(widgets: list[Widget]) -> list[Widget]:
    """Place the widgets left to right and top to bottom."""
    x = y = 0
    for widget in widgets:
        if x + widget["width"] > COLUMNS:
            x, y = 0, y + 6
        widget |= {"x": x, "y": y, "height": 6}
        x += widget["width"]
    return widgets


def _graph(
    title: str, metrics: list[MetricRow], period: int = FIVE_MINUTES, stat: str = "Sum"
) -> Widget:
    return {
        "type": "metric",
        "width": 8,
        "properties": {
            "title": title,
            "metrics": metrics,
            "region": "${AWS::Region}",
            "period": period,
            "stat": stat,
            "view": "timeSeries",
        },
    }


def _alarm_widget(names: list[str]) -> Widget:
    alarms = [f"${{{name}.Arn}}" for name in names]
    properties = {"title": "Alarms", "alarms": alarms}
    return {"type": "alarm", "width": COLUMNS, "properties": properties}


def _own_metrics(metrics: list[Metric]) -> list[MetricRow]:
    """Return our metrics with the namespace and dimension that chalicelib/observability.py uses."""
    return [["Tenantry/${Stage}", metric.value, "service", "tenantry"] for metric in metrics]


def _function_url_metrics() -> list[MetricRow]:
    """Return AWS's metrics, which also count responses that our code could not count."""
    url = ["FunctionName", "tenantry-${Stage}-stripe-webhook"]
    names = ("UrlRequestCount", "Url4xxCount", "Url5xxCount")
    return [["AWS/Lambda", name, *url] for name in names]


def _api_graph() -> Widget:
    api = ["ApiName", "tenantry-${Stage}", "Stage", "api"]
    right = {"yAxis": "right"}
    metrics: list[MetricRow] = [
        ["AWS/ApiGateway", "Count", *api, {"label": "requests"}],
        ["AWS/ApiGateway", "4XXError", *api],
        ["AWS/ApiGateway", "5XXError", *api],
        ["AWS/ApiGateway", "Latency", *api, {**right, "stat": "p50", "label": "p50 (ms)"}],
        ["AWS/ApiGateway", "Latency", *api, {**right, "stat": "p99", "label": "p99 (ms)"}],
    ]
    return _graph("The API", metrics)


def _lambda_graph(title: str, metric: str, stat: str, names: list[str]) -> Widget:
    metrics = [["AWS/Lambda", metric, "FunctionName", name] for name in names]
    return _graph(title, metrics, stat=stat)


def _capacity_metrics(kind: str, tables: list[dict[str, Any]]) -> list[MetricRow]:
    """Return the capacity metrics of tables and indexes, which AWS counts and bills separately."""
    metric = f"{kind}CapacityUnits"
    return [["AWS/DynamoDB", metric, *dimensions] for dimensions in _table_dimensions(tables)]


def _throttle_metrics(tables: list[dict[str, Any]]) -> list[MetricRow]:
    return [
        ["AWS/DynamoDB", f"{kind}ThrottleEvents", *dimensions]
        for dimensions in _table_dimensions(tables)
        for kind in ("Read", "Write")
    ]


def _conflict_metrics(tables: list[dict[str, Any]]) -> list[MetricRow]:
    """Return conflict metrics. A conflict is retried for a few seconds, then leads to a 503."""
    names = [table["Properties"]["TableName"]["Fn::Sub"] for table in tables]
    return [["AWS/DynamoDB", "TransactionConflict", "TableName", name] for name in names]


def _table_dimensions(tables: list[dict[str, Any]]) -> list[list[str]]:
    """Return the dimensions of each table and each index."""
    dimensions = []
    for table in tables:
        properties = table["Properties"]
        name = ["TableName", properties["TableName"]["Fn::Sub"]]
        indexes = properties.get("GlobalSecondaryIndexes", [])
        dimensions.append(name)
        dimensions += [[*name, "GlobalSecondaryIndexName", index["IndexName"]] for index in indexes]
    return dimensions
