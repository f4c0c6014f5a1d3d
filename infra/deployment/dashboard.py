"""The CloudWatch dashboard: what an admin asks, in that order."""

import json
from typing import Any

from infra.deployment.inventory import Function

COLUMNS = 24
FIVE_MINUTES = 300
HOUR = 3600

Metric = list[Any]
Widget = dict[str, Any]

# What stands, counted every hour by take-figures: the last value, not a sum.
STANDING = {
    "Licenses owned, in use and free": ["LicensesOwned", "LicensesUsed", "LicensesAvailable"],
    "Resellers: all, low, over-allocated": ["Resellers", "ResellersLow", "ResellersOverAllocated"],
}
# What happened, by the hour.
HAPPENED = {
    "Licenses sold and taken back": ["LicensesGranted", "LicensesRevoked"],
    "Licenses put to use and set free": ["LicensesTaken", "LicensesReleased"],
    "Tenants refused": ["LicensesRefusedExhausted", "LicensesRefusedInactive"],
    "Purchases": ["PurchasesPaid", "PurchasesSettled", "PurchasesRefunded", "PurchasesDisputed"],
    "Purchases that need a person": [
        *("PurchasesQuarantined", "PurchasesPaidTwice", "PurchasesNotSettled"),
        *("SessionsWithoutPurchase", "PaymentsHealed", "RefundsGivenUp"),
    ],
    "Drift": [
        *("UnexplainedDrift", "ReconciliationFindings", "ReconciliationRepairs"),
        "ReconciliationFailed",
    ],
    "Sign-ins refused": ["SignInRefused", "AttemptsRefused"],
    "Mail": ["MailSent", "MailFailed", "MailGivenUp"],
    "Custom domains": [
        *("DomainsVerified", "DomainsFailing", "DomainsSuspended"),
        "DomainCheckOutage",
    ],
}
WEBHOOK = ["WebhooksProcessed", "WebhooksFailed", "WebhookSignatureRefused"]


def dashboard(
    functions: list[Function], tables: list[dict[str, Any]], resources: dict[str, Any]
) -> dict[str, Any]:
    """The AWS::CloudWatch::Dashboard of a stack with these functions and tables."""
    function_names = [f"tenantry-${{Stage}}-{function.name}" for function in functions]
    alarms = [name for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"]
    webhook = [*_ours(WEBHOOK), *_function_url()]
    widgets = [
        _alarms(alarms),
        *(_graph(title, _ours(names), HOUR, "Maximum") for title, names in STANDING.items()),
        *(_graph(title, _ours(names), HOUR) for title, names in HAPPENED.items()),
        _graph("Webhook outcomes", webhook, HOUR),
        _api(),
        _lambda("Duration, p99 (ms)", "Duration", "p99", function_names),
        _lambda("Errors", "Errors", "Sum", function_names),
        _lambda("Running at once", "ConcurrentExecutions", "Maximum", function_names),
        _graph("Read capacity, the first cost", _of_tables("ConsumedRead", tables), HOUR),
        _graph("Write capacity, the other", _of_tables("ConsumedWrite", tables), HOUR),
        _graph("Reads and writes refused for load", _throttled(tables)),
        _graph("Writes that met each other on a row", _conflicts(tables)),
    ]
    body = json.dumps({"widgets": _placed(widgets)})
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "tenantry-${Stage}"},
            "DashboardBody": {"Fn::Sub": body},
        },
    }


def _placed(widgets: list[Widget]) -> list[Widget]:
    """Left to right, top to bottom."""
    x = y = 0
    for widget in widgets:
        if x + widget["width"] > COLUMNS:
            x, y = 0, y + 6
        widget |= {"x": x, "y": y, "height": 6}
        x += widget["width"]
    return widgets


def _graph(
    title: str, metrics: list[Metric], period: int = FIVE_MINUTES, stat: str = "Sum"
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


def _alarms(names: list[str]) -> Widget:
    alarms = [f"${{{name}.Arn}}" for name in names]
    properties = {"title": "Alarms", "alarms": alarms}
    return {"type": "alarm", "width": COLUMNS, "properties": properties}


def _ours(names: list[str]) -> list[Metric]:
    """As chalicelib/observability.py tells them."""
    return [["Tenantry/${Stage}", name, "service", "tenantry"] for name in names]


def _function_url() -> list[Metric]:
    """What was answered, also where our code did not come to count."""
    url = ["FunctionName", "tenantry-${Stage}-stripe-webhook"]
    names = ("UrlRequestCount", "Url4xxCount", "Url5xxCount")
    return [["AWS/Lambda", name, *url] for name in names]


def _api() -> Widget:
    api = ["ApiName", "tenantry-${Stage}", "Stage", "api"]
    right = {"yAxis": "right"}
    metrics: list[Metric] = [
        ["AWS/ApiGateway", "Count", *api, {"label": "requests"}],
        ["AWS/ApiGateway", "4XXError", *api],
        ["AWS/ApiGateway", "5XXError", *api],
        ["AWS/ApiGateway", "Latency", *api, {**right, "stat": "p50", "label": "p50 (ms)"}],
        ["AWS/ApiGateway", "Latency", *api, {**right, "stat": "p99", "label": "p99 (ms)"}],
    ]
    return _graph("The API", metrics)


def _lambda(title: str, metric: str, stat: str, names: list[str]) -> Widget:
    metrics = [["AWS/Lambda", metric, "FunctionName", name] for name in names]
    return _graph(title, metrics, stat=stat)


def _of_tables(kind: str, tables: list[dict[str, Any]]) -> list[Metric]:
    """An index is paid for beside its table, and counted apart from it."""
    metric = f"{kind}CapacityUnits"
    return [["AWS/DynamoDB", metric, *dimensions] for dimensions in _places(tables)]


def _throttled(tables: list[dict[str, Any]]) -> list[Metric]:
    return [
        ["AWS/DynamoDB", f"{kind}ThrottleEvents", *dimensions]
        for dimensions in _places(tables)
        for kind in ("Read", "Write")
    ]


def _conflicts(tables: list[dict[str, Any]]) -> list[Metric]:
    """Tried again for some seconds, then answered 503."""
    names = [table["Properties"]["TableName"]["Fn::Sub"] for table in tables]
    return [["AWS/DynamoDB", "TransactionConflict", "TableName", name] for name in names]


def _places(tables: list[dict[str, Any]]) -> list[list[str]]:
    """The dimensions of each table and each index."""
    places = []
    for table in tables:
        properties = table["Properties"]
        name = ["TableName", properties["TableName"]["Fn::Sub"]]
        indexes = properties.get("GlobalSecondaryIndexes", [])
        places.append(name)
        places += [[*name, "GlobalSecondaryIndexName", index["IndexName"]] for index in indexes]
    return places
