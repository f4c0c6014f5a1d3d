"""The CloudWatch dashboard: what an admin asks, in that order."""

import json
from typing import Any

from infra.deployment.places import Function

COLUMNS = 24
PERIOD_SECONDS = 300

BUSINESS = {
    "Licenses sold and taken back": ["LicensesGranted", "LicensesRevoked"],
    "Licenses put to use and set free": ["LicensesTaken", "LicensesReleased"],
    "Tenants refused": ["LicensesRefusedExhausted", "LicensesRefusedInactive"],
    "Purchases": ["PurchasesSettled", "PurchasesQuarantined", "SessionsWithoutPurchase"],
    "Drift": ["UnexplainedDrift", "ReconciliationFindings", "ReconciliationRepairs"],
    "Webhook outcomes": ["WebhooksProcessed", "WebhooksFailed", "WebhookSignatureRefused"],
}


def dashboard(
    functions: list[Function], tables: list[dict[str, Any]], resources: dict[str, Any]
) -> dict[str, Any]:
    """The AWS::CloudWatch::Dashboard of a stack with these functions and tables."""
    table_names = [table["Properties"]["TableName"]["Fn::Sub"] for table in tables]
    function_names = [f"tenantry-${{Stage}}-{function.name}" for function in functions]
    alarms = [name for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"]
    widgets = [
        _alarms(alarms),
        *(_business(title, names) for title, names in BUSINESS.items()),
        _api(),
        _lambda("Duration, p99 (ms)", "Duration", "p99", function_names),
        _lambda("Errors", "Errors", "Sum", function_names),
        _lambda("Running at once", "ConcurrentExecutions", "Maximum", function_names),
        _capacity("Read capacity, the first cost", "ConsumedReadCapacityUnits", table_names),
        _capacity("Write capacity, the other", "ConsumedWriteCapacityUnits", table_names),
        _capacity("Writes refused for load", "WriteThrottleEvents", table_names),
    ]
    body = json.dumps({"widgets": _placed(widgets)})
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "tenantry-${Stage}"},
            "DashboardBody": {"Fn::Sub": body},
        },
    }


def _placed(widgets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Left to right, top to bottom."""
    x = y = 0
    for widget in widgets:
        if x + widget["width"] > COLUMNS:
            x, y = 0, y + 6
        widget |= {"x": x, "y": y, "height": 6 if widget["type"] == "metric" else 4}
        x += widget["width"]
    return widgets


def _graph(title: str, metrics: list[Any], width: int, **options: Any) -> dict[str, Any]:
    return {
        "type": "metric",
        "width": width,
        "properties": {
            "title": title,
            "metrics": metrics,
            "region": "${AWS::Region}",
            "period": PERIOD_SECONDS,
            "stat": "Sum",
            "view": "timeSeries",
            **options,
        },
    }


def _alarms(names: list[str]) -> dict[str, Any]:
    alarms = [f"${{{name}.Arn}}" for name in names]
    return {"type": "alarm", "width": 24, "properties": {"title": "Alarms", "alarms": alarms}}


def _business(title: str, names: list[str]) -> dict[str, Any]:
    metrics = [["Tenantry/${Stage}", name, "service", "tenantry"] for name in names]
    return _graph(title, metrics, 8, period=3600)


def _api() -> dict[str, Any]:
    api = ["ApiName", "tenantry-${Stage}", "Stage", "api"]
    right = {"yAxis": "right"}
    metrics = [
        ["AWS/ApiGateway", "Count", *api, {"label": "requests"}],
        ["AWS/ApiGateway", "4XXError", *api],
        ["AWS/ApiGateway", "5XXError", *api],
        ["AWS/ApiGateway", "Latency", *api, {**right, "stat": "p50", "label": "p50 (ms)"}],
        ["AWS/ApiGateway", "Latency", *api, {**right, "stat": "p99", "label": "p99 (ms)"}],
    ]
    return _graph("The API", metrics, 8)


def _lambda(title: str, metric: str, stat: str, names: list[str]) -> dict[str, Any]:
    metrics = [["AWS/Lambda", metric, "FunctionName", name] for name in names]
    return _graph(title, metrics, 8, stat=stat)


def _capacity(title: str, metric: str, names: list[str]) -> dict[str, Any]:
    return _graph(title, [["AWS/DynamoDB", metric, "TableName", name] for name in names], 8)
