"""Who is told of what, and what the dashboard shows: of things that are really counted."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.deployment.inventory import ROOT, functions
from tests.deployment.sam import Template, of_type, resolved

ALL = functions()
SCHEDULED = [function for function in ALL if function.schedules]

Metric = tuple[str, str, dict[str, str]]
"""Namespace, name, dimensions."""


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def alarms(transformed: Template) -> dict[str, Template]:
    return of_type(transformed, "AWS::CloudWatch::Alarm")


def test_alarms_ring_and_the_runbook_says_what_to_do(transformed: Template) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)
    assert alarms(transformed)
    for alarm in alarms(transformed).values():
        made = alarm["Properties"]
        assert made["AlarmActions"] == [{"Ref": "AlarmsTopic"}]
        (section,) = re.findall(r'Runbook, "(.+)"', made["AlarmDescription"])
        assert section in headings


def test_what_is_counted_is_watched_and_nothing_else(transformed: Template) -> None:
    """Both ways: a graph of nothing misleads, and a metric that nobody sees costs as much."""
    watched = {metric[1] for metric in metrics(transformed) if metric[0].startswith("Tenantry/")}
    patterns = {re.compile(name) for name in counted()}
    assert not [name for name in watched if not any(p.fullmatch(name) for p in patterns)]
    assert not [p.pattern for p in patterns if not any(map(p.fullmatch, watched))]


def counted() -> Iterator[str]:
    """Every name that the code gives to count(), as a pattern."""
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "count":
                yield from _names(node.args[0])


def _names(given: ast.expr) -> Iterator[str]:
    match given:
        case ast.Constant(value=name):
            yield str(name)
        case ast.IfExp(body=one, orelse=other):
            yield from (*_names(one), *_names(other))
        case ast.JoinedStr(values=parts):
            known = (str(p.value) if isinstance(p, ast.Constant) else r"[A-Z]\w+" for p in parts)
            yield "".join(known)
        case _:
            raise AssertionError(ast.unparse(given))


def metrics(transformed: Template) -> list[Metric]:
    """Every metric of an alarm or of the dashboard."""
    return [*alarmed(transformed), *shown(transformed)]


def alarmed(transformed: Template) -> list[Metric]:
    found = []
    for alarm in alarms(transformed).values():
        made = resolved(alarm["Properties"], transformed)
        dimensions = {d["Name"]: physical(d["Value"], transformed) for d in made["Dimensions"]}
        found.append((made["Namespace"], made["MetricName"], dimensions))
    return found


def shown(transformed: Template) -> list[Metric]:
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


def physical(value: Any, template: Template) -> str:
    """The name of what a Ref or GetAtt points at."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            made = properties(template, name)
            given = made.get("FunctionName") or made.get("QueueName")
            return str(resolved(given, template))
    return str(value)


def test_metrics_are_asked_for_where_they_are_told(transformed: Template, stage: str) -> None:
    """By the dimensions that AWS's documentation gives, with names that this stack makes."""
    functions_ = {f"tenantry-{stage}-{function.name}" for function in ALL}
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
                assert dimensions["FunctionName"] in functions_
            case "AWS/DynamoDB":
                index = dimensions.get("GlobalSecondaryIndexName")
                assert index is None or index in tables[dimensions["TableName"]], name
            case "AWS/ApiGateway":
                assert dimensions == {"ApiName": f"tenantry-{stage}", "Stage": "api"}
            case "AWS/SQS":
                assert dimensions == {"QueueName": f"tenantry-{stage}-failures"}
            case _:
                told = variables["Variables"]
                assert namespace == told["POWERTOOLS_METRICS_NAMESPACE"]
                assert dimensions == {"service": told["POWERTOOLS_SERVICE_NAME"]}


def test_the_dashboard_shows_what_drives_the_cost(transformed: Template) -> None:
    """The capacity of each table and each index: an index is counted apart from its table."""
    for kind in ("Read", "Write"):
        seen = {
            (d["TableName"], d.get("GlobalSecondaryIndexName"))
            for _, name, d in metrics(transformed)
            if name == f"Consumed{kind}CapacityUnits"
        }
        tables = [
            resolved(table["Properties"], transformed)
            for table in of_type(transformed, "AWS::DynamoDB::Table").values()
        ]
        assert seen == {
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


# What somebody has to be told of, whatever else there is.
ALARMS = {
    "the webhook answers 5xx": ("AWS/Lambda", "Url5xxCount", "stripe-webhook"),
    "no message comes, though money does": ("Tenantry", "PaymentsHealed", ""),
    "Stripe has a session that no purchase knows": ("Tenantry", "SessionsWithoutPurchase", ""),
    "a payment could not be settled": ("Tenantry", "PurchasesNotSettled", ""),
    "drift that nothing explains": ("Tenantry", "UnexplainedDrift", ""),
    "dead letters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "failures"),
    "the API is throttled": ("AWS/Lambda", "Throttles", "api"),
    "the webhook is throttled": ("AWS/Lambda", "Throttles", "stripe-webhook"),
    "the API answers 5xx": ("AWS/ApiGateway", "5XXError", "api"),
    "the API is slow": ("AWS/ApiGateway", "Latency", "api"),
    "reconciliation fails": ("AWS/Lambda", "Errors", "reconcile"),
    "the sweep does not run": ("AWS/Lambda", "Invocations", "sweep-purchases"),
}


@pytest.mark.parametrize("what", ALARMS)
def test_somebody_is_told_when(transformed: Template, what: str) -> None:
    namespace, name, whose = ALARMS[what]
    assert [
        dimensions
        for found, metric, dimensions in alarmed(transformed)
        if found.startswith(namespace)
        and metric == name
        and any(value.endswith(whose) for value in dimensions.values())
    ]


@pytest.mark.parametrize("metric", ["Url5xxCount", "WebhookSignatureRefused"])
def test_a_webhook_that_is_seldom_called_is_noticed_too(transformed: Template, metric: str) -> None:
    """One message, refused again and again, is one now and one some minutes later."""
    (made,) = [
        alarm["Properties"]
        for alarm in alarms(transformed).values()
        if alarm["Properties"]["MetricName"] == metric
    ]
    assert made["Threshold"] == 1
    assert made["DatapointsToAlarm"] <= 3
    assert made["EvaluationPeriods"] * made["Period"] >= 3600


def test_a_scheduled_function_that_does_not_run_is_noticed(transformed: Template) -> None:
    """A metric that is not told is the sign of it."""
    silent = {
        physical(made["Dimensions"][0]["Value"], transformed): made
        for made in (alarm["Properties"] for alarm in alarms(transformed).values())
        if made["MetricName"] == "Invocations"
    }
    assert {name.split("-", 2)[2] for name in silent} == {f.name for f in SCHEDULED}
    for made in silent.values():
        assert made["TreatMissingData"] == "breaching"
        assert made["ComparisonOperator"] == "LessThanThreshold"


def test_the_costs_are_reckoned_with_as_many(transformed: Template) -> None:
    growth = (ROOT / "docs" / "growth.md").read_text()
    assert f"{len(alarms(transformed))} alarms" in growth
    ours = {name for namespace, name, _ in metrics(transformed) if namespace.startswith("Tenantry")}
    assert f"{len(ours)} metrics of our own" in growth
