"""The alarms and the dashboard use metrics that exist, and every metric is used."""

import json
import re
from typing import Any

import pytest

from chalicelib.observability import Metric
from infra.deployment.inventory import ROOT, functions
from tests.deployment.sam import Template, of_type, resolved

FUNCTIONS = functions()
SCHEDULED = [function for function in FUNCTIONS if function.schedules]

UsedMetric = tuple[str, str, dict[str, str]]
"""The namespace, name, and dimensions."""


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def alarms(transformed: Template) -> dict[str, Template]:
    return of_type(transformed, "AWS::CloudWatch::Alarm")


def test_every_alarm_notifies_and_has_a_runbook_section(transformed: Template) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)
    assert alarms(transformed)
    for alarm in alarms(transformed).values():
        made = alarm["Properties"]
        assert made["AlarmActions"] == [{"Ref": "AlarmsTopic"}]
        (section,) = re.findall(r'Runbook, "(.+)"', made["AlarmDescription"])
        assert section in headings


def test_alarms_and_the_dashboard_use_every_metric_of_ours_and_no_other(
    transformed: Template,
) -> None:
    """A graph of a nonexistent metric is misleading, and an unused metric still costs money."""
    used = {metric[1] for metric in metrics(transformed) if metric[0].startswith("Tenantry/")}
    assert used == set(Metric)


def metrics(transformed: Template) -> list[UsedMetric]:
    """Return every metric used by an alarm or the dashboard."""
    return [*alarm_metrics(transformed), *dashboard_metrics(transformed)]


def alarm_metrics(transformed: Template) -> list[UsedMetric]:
    found = []
    for alarm in alarms(transformed).values():
        made = resolved(alarm["Properties"], transformed)
        dimensions = {d["Name"]: physical_name(d["Value"], transformed) for d in made["Dimensions"]}
        found.append((made["Namespace"], made["MetricName"], dimensions))
    return found


def dashboard_metrics(transformed: Template) -> list[UsedMetric]:
    found = []
    for widget in widgets(transformed):
        for namespace, name, *rest in widget["properties"].get("metrics", []):
            texts = [text for text in rest if isinstance(text, str)]
            found.append((namespace, name, dict(zip(texts[::2], texts[1::2], strict=True))))
    return found


def widgets(transformed: Template) -> list[dict[str, Any]]:
    body = resolved(properties(transformed, "Dashboard")["DashboardBody"], transformed)
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def physical_name(value: Any, template: Template) -> str:
    """Return the physical name of the resource that a Ref or GetAtt refers to."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            made = properties(template, name)
            given = made.get("FunctionName") or made.get("QueueName")
            return str(resolved(given, template))
    return str(value)


def test_alarms_and_the_dashboard_use_the_dimensions_of_each_metric(
    transformed: Template, stage: str
) -> None:
    """Dimensions match AWS's documentation, and their values match this stack's resources."""
    function_names = {f"tenantry-{stage}-{function.name}" for function in FUNCTIONS}
    tables: dict[str, set[str]] = {}
    for table in of_type(transformed, "AWS::DynamoDB::Table").values():
        made = resolved(table["Properties"], transformed)
        indexes = made.get("GlobalSecondaryIndexes", [])
        tables[made["TableName"]] = {index["IndexName"] for index in indexes}
    variables = resolved(properties(transformed, "APIHandler"), transformed)["Environment"]
    for namespace, name, dimensions in metrics(transformed):
        match namespace:
            case "AWS/Lambda":
                assert set(dimensions) == {"FunctionName"}
                assert dimensions["FunctionName"] in function_names
            case "AWS/DynamoDB":
                index = dimensions.get("GlobalSecondaryIndexName")
                assert index is None or index in tables[dimensions["TableName"]], name
            case "AWS/ApiGateway":
                assert dimensions == {"ApiName": f"tenantry-{stage}", "Stage": "api"}
            case "AWS/SQS":
                assert dimensions == {"QueueName": f"tenantry-{stage}-failures"}
            case _:
                values = variables["Variables"]
                assert namespace == values["POWERTOOLS_METRICS_NAMESPACE"]
                assert dimensions == {"service": values["POWERTOOLS_SERVICE_NAME"]}


def test_the_dashboard_shows_the_consumed_capacity(transformed: Template) -> None:
    """CloudWatch counts each table and each index separately."""
    for kind in ("Read", "Write"):
        graphed = {
            (d["TableName"], d.get("GlobalSecondaryIndexName"))
            for _, name, d in metrics(transformed)
            if name == f"Consumed{kind}CapacityUnits"
        }
        tables = [
            resolved(table["Properties"], transformed)
            for table in of_type(transformed, "AWS::DynamoDB::Table").values()
        ]
        assert graphed == {
            (table["TableName"], name)
            for table in tables
            for name in (
                None,
                *(index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])),
            )
        }


def test_every_alarm_is_on_the_dashboard(transformed: Template) -> None:
    body = properties(transformed, "Dashboard")["DashboardBody"]["Fn::Sub"]
    (listed,) = [w for w in json.loads(body)["widgets"] if w["type"] == "alarm"]
    assert set(listed["properties"]["alarms"]) == {
        f"${{{name}.Arn}}" for name in alarms(transformed)
    }
    places = [(w["x"], w["y"]) for w in widgets(transformed)]
    assert len(set(places)) == len(places)


# The conditions that must raise an alarm, with the metric that reveals each one.
ALARMS = {
    "the webhook returns 5xx": ("AWS/Lambda", "Url5xxCount", "stripe-webhook"),
    "payments arrive without webhook events": ("Tenantry", "PaymentsHealed", ""),
    "Stripe has a session that no purchase lists": ("Tenantry", "SessionsWithoutPurchase", ""),
    "a payment could not be settled": ("Tenantry", "PurchasesNotSettled", ""),
    "unexplained drift": ("Tenantry", "UnexplainedDrift", ""),
    "failed events": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "failures"),
    "the API is throttled": ("AWS/Lambda", "Throttles", "api"),
    "the webhook is throttled": ("AWS/Lambda", "Throttles", "stripe-webhook"),
    "the API returns 5xx": ("AWS/ApiGateway", "5XXError", "api"),
    "the API is slow": ("AWS/ApiGateway", "Latency", "api"),
    "reconciliation fails": ("AWS/Lambda", "Errors", "reconcile"),
    "the sweep does not run": ("AWS/Lambda", "Invocations", "sweep-purchases"),
}


@pytest.mark.parametrize("condition", ALARMS)
def test_an_alarm_exists_for(transformed: Template, condition: str) -> None:
    namespace, name, resource = ALARMS[condition]
    assert [
        dimensions
        for found, metric, dimensions in alarm_metrics(transformed)
        if found.startswith(namespace)
        and metric == name
        and any(value.endswith(resource) for value in dimensions.values())
    ]


@pytest.mark.parametrize("metric", ["Url5xxCount", "WebhookSignatureRefused"])
def test_webhook_alarms_work_at_low_volume(transformed: Template, metric: str) -> None:
    """A single event that keeps failing must raise the alarm.

    It adds a data point only every few minutes.
    """
    (made,) = [
        alarm["Properties"]
        for alarm in alarms(transformed).values()
        if alarm["Properties"]["MetricName"] == metric
    ]
    assert made["Threshold"] == 1
    assert made["DatapointsToAlarm"] <= 3
    assert made["EvaluationPeriods"] * made["Period"] >= 3600


def test_an_alarm_reports_a_scheduled_function_that_does_not_run(transformed: Template) -> None:
    """A function that does not run has no data for the Invocations metric."""
    silence_alarms = {
        physical_name(made["Dimensions"][0]["Value"], transformed): made
        for made in (alarm["Properties"] for alarm in alarms(transformed).values())
        if made["MetricName"] == "Invocations"
    }
    assert {name.split("-", 2)[2] for name in silence_alarms} == {f.name for f in SCHEDULED}
    for made in silence_alarms.values():
        assert made["TreatMissingData"] == "breaching"
        assert made["ComparisonOperator"] == "LessThanThreshold"


def test_the_cost_estimate_uses_the_actual_numbers_of_alarms_and_metrics(
    transformed: Template,
) -> None:
    growth = (ROOT / "docs" / "growth.md").read_text()
    assert f"{len(alarms(transformed))} alarms" in growth
    ours = {name for namespace, name, _ in metrics(transformed) if namespace.startswith("Tenantry")}
    assert f"{len(ours)} custom metrics" in growth
