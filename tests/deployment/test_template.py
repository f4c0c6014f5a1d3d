"""What the packaged template of each stage says, before and after the SAM transform."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from stripe import HTTPClient

from chalicelib import settings
from chalicelib.api.declarations import ROUTES, Audience
from chalicelib.api.headers import API_HEADERS
from chalicelib.payments.client import NETWORK_RETRIES, TIMEOUT_SECONDS
from chalicelib.storage.rows import Expiry, Row
from chalicelib.storage.transactions import DEADLINE_SECONDS
from infra.deployment.inventory import ROOT, Function, functions
from infra.deployment.package import TEMPLATE
from infra.deployment.policies import policy_file
from infra.local.gateway import _not_found
from tests.deployment.sam import Template, of_type, resolved

ALL = functions()
SCHEDULED = [function for function in ALL if function.schedules]


def by_name(function: Function) -> str:
    return function.name


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def test_cfn_lint_finds_nothing(packages: dict[str, Path], stage: str) -> None:
    arguments = cfnlint.api.ManualArgs(regions=["us-east-1"], include_checks=["I"])
    findings = cfnlint.api.lint((packages[stage] / TEMPLATE).read_text(), config=arguments)
    assert not [f"{finding.rule.id}: {finding.message}" for finding in findings]


def test_a_package_is_for_its_stage_alone(transformed: Template, stage: str) -> None:
    parameter = transformed["Parameters"]["Stage"]
    assert (parameter["AllowedValues"], parameter["Default"]) == ([stage], stage)


def test_every_function_is_what_the_code_registers(transformed: Template) -> None:
    found = of_type(transformed, "AWS::Lambda::Function")
    assert set(found) == {function.resource for function in ALL}
    for function in ALL:
        assert found[function.resource]["Properties"]["Handler"] == function.handler


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_functions_run_traced_bounded_and_logged(
    transformed: Template, function: Function, stage: str
) -> None:
    made = properties(transformed, function.resource)
    assert made["TracingConfig"] == {"Mode": "Active"}
    assert made["Architectures"] == ["arm64"]
    assert made["Timeout"] <= 900
    assert made["MemorySize"] >= 512
    name = f"tenantry-{stage}-{function.name}"
    assert resolved(made["FunctionName"], transformed) == name
    assert {"Key": "stage", "Value": stage} in made["Tags"]
    (log,) = [
        log["Properties"]
        for log in of_type(transformed, "AWS::Logs::LogGroup").values()
        if resolved(log["Properties"]["LogGroupName"], transformed) == f"/aws/lambda/{name}"
    ]
    assert log["RetentionInDays"] in (14, 30, 365)


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_functions_outlive_a_stripe_that_does_not_answer(
    transformed: Template, function: Function
) -> None:
    """So that they can say so: one that Lambda ends leaves no line, and no record. The API's
    caller has been answered by then: API Gateway waits for 29 seconds."""
    attempts = NETWORK_RETRIES + 1
    pauses = sum(HTTPClient.INITIAL_DELAY * 2**n for n in range(NETWORK_RETRIES))
    stripe = attempts * TIMEOUT_SECONDS + pauses
    assert properties(transformed, function.resource)["Timeout"] >= stripe + 2 * DEADLINE_SECONDS


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_functions_find_their_settings(transformed: Template, function: Function) -> None:
    variables = properties(transformed, function.resource)["Environment"]["Variables"]
    made = settings.from_environment(resolved(variables, transformed))
    assert made.table_prefix == f"tenantry-{made.stage}"
    assert not [name for name in variables if "SECRET" in name and "PARAMETER" not in name]


def test_every_setting_can_be_set(transformed: Template) -> None:
    """Each variable that settings.py reads, but for those of one machine."""
    source = Path(settings.__file__).read_text()
    read = set(re.findall(r"\b(?:optional|required|get)\(\"([A-Z_]+)\"", source))
    read |= {f"{name}_PARAMETER" for name in re.findall(r"either\(\"([A-Z_]+)\"\)", source)}
    variables = properties(transformed, "APIHandler")["Environment"]["Variables"]
    assert read - {"STRIPE_API_BASE", "DNS_SERVER"} <= set(variables)


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_roles_are_the_reviewed_policies(transformed: Template, function: Function) -> None:
    role_id, _ = properties(transformed, function.resource)["Role"]["Fn::GetAtt"]
    role = properties(transformed, role_id)
    (policy,) = role["Policies"]
    assert policy["PolicyDocument"] == json.loads(policy_file(function.name).read_text())
    assert "ManagedPolicyArns" not in role
    others = {
        properties(transformed, other.resource)["Role"]["Fn::GetAtt"][0]
        for other in ALL
        if other != function
    }
    assert role_id not in others


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_no_function_may_change_what_is_on_record(function: Function) -> None:
    """The audit trail and the ledger are read and added to, and no more than that."""
    for statement in json.loads(policy_file(function.name).read_text())["Statement"]:
        if statement["Sid"] in ("TableAudit", "TableLedger"):
            allowed = {action.removeprefix("dynamodb:") for action in statement["Action"]}
            assert allowed <= {"PutItem", "GetItem", "BatchGetItem", "Query"}


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_policies_name_what_they_allow(function: Function) -> None:
    for statement in json.loads(policy_file(function.name).read_text())["Statement"]:
        assert not [action for action in statement["Action"] if "*" in action]
        assert statement["Resource"] != "*" or statement["Sid"] == "Traces"


@pytest.mark.parametrize("function", SCHEDULED, ids=by_name)
def test_what_a_scheduled_function_fails_at_is_kept(
    transformed: Template, function: Function
) -> None:
    queue = {"Fn::GetAtt": ["FailuresQueue", "Arn"]}
    (config,) = [
        config["Properties"]
        for config in of_type(transformed, "AWS::Lambda::EventInvokeConfig").values()
        if config["Properties"]["FunctionName"] == {"Ref": function.resource}
    ]
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == queue
    targets = [
        target
        for rule in of_type(transformed, "AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
        if target["Arn"] == {"Fn::GetAtt": [function.resource, "Arn"]}
    ]
    assert len(targets) == len(function.schedules)
    assert all(target["DeadLetterConfig"]["Arn"] == queue for target in targets)


def test_tables_keep_what_they_are_given(transformed: Template, stage: str) -> None:
    tables = of_type(transformed, "AWS::DynamoDB::Table")
    assert tables
    for table in tables.values():
        made = table["Properties"]
        assert made["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert made["SSESpecification"] == {"SSEEnabled": True}
        assert made["BillingMode"] == "PAY_PER_REQUEST"
        assert made["DeletionProtectionEnabled"] is (stage == "prod")
        kept = "Retain" if stage == "prod" else "Delete"
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == kept


def test_rows_expire_by_the_column_that_the_code_writes(transformed: Template) -> None:
    """A name that no row has would be taken, too, and nothing would ever go."""
    written = {
        f"tenantry-{resolved({'Ref': 'Stage'}, transformed)}-{model.noun}": name
        for model in models(Row)
        for name, attribute in model.get_attributes().items()
        if isinstance(attribute, Expiry)
    }
    declared = {}
    for table in of_type(transformed, "AWS::DynamoDB::Table").values():
        made = resolved(table["Properties"], transformed)
        if expiring := made.get("TimeToLiveSpecification"):
            assert expiring["Enabled"] is True
            declared[made["TableName"]] = expiring["AttributeName"]
    assert declared == written


def models(base: type[Row]) -> Iterator[type[Row]]:
    for model in base.__subclasses__():
        yield model
        yield from models(model)


def test_stripe_reaches_the_webhook(transformed: Template) -> None:
    """Since October 2025 a public Function URL needs two permissions."""
    (url,) = of_type(transformed, "AWS::Lambda::Url").values()
    assert url["Properties"]["AuthType"] == "NONE"
    granted = {
        permission["Properties"]["Action"]: permission["Properties"]
        for permission in of_type(transformed, "AWS::Lambda::Permission").values()
        if permission["Properties"]["FunctionName"] == url["Properties"]["TargetFunctionArn"]
    }
    assert set(granted) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert granted["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert granted["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True


# API Gateway's name for it; its name for it where a bearer token comes along, which it takes
# for a signature of AWS's own; and the one that its documentation gives.
NO_SUCH_ROUTE = ("MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("name", NO_SUCH_ROUTE)
def test_an_unknown_route_answers_as_it_does_on_one_machine(
    transformed: Template, name: str
) -> None:
    local = _not_found()
    answer = gateway_responses(transformed)[name]
    assert int(answer["statusCode"]) == local.status
    assert json.loads(answer["responseTemplates"]["application/json"]) == json.loads(local.body)


def test_the_gateway_answers_in_problem_documents(transformed: Template) -> None:
    answers = gateway_responses(transformed)
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "REQUEST_TOO_LARGE"} <= set(answers)
    for answer in answers.values():
        kind = answer["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert kind == "'application/problem+json'"
        text = answer["responseTemplates"]["application/json"]
        assert "$" not in text, "its messages repeat what was sent as Authorization"
        document = json.loads(text)
        assert {"type", "title", "detail", "code"} <= set(document)
        if "statusCode" in answer:
            assert document["status"] == int(answer["statusCode"])


def test_the_gateway_sends_the_headers_of_every_answer(transformed: Template) -> None:
    local = dict(_not_found().headers)
    for answer in gateway_responses(transformed).values():
        sent = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in answer["responseParameters"].items()
        }
        assert sent["X-Request-Id"] == "context.requestId"
        for name, value in API_HEADERS.items():
            # An empty list is what 'none' says, without quotes inside of quotes.
            assert sent[name] == "'" + value.replace(" 'none'", "") + "'", name
            assert local[name] == value


def gateway_responses(transformed: Template) -> dict[str, Any]:
    body = properties(transformed, "RestAPI")["Body"]
    answers: dict[str, Any] = body["x-amazon-apigateway-gateway-responses"]
    return answers


def test_the_stage_is_throttled_and_its_access_logged(transformed: Template) -> None:
    (stage_,) = of_type(transformed, "AWS::ApiGateway::Stage").values()
    made = stage_["Properties"]
    limits = {setting["ResourcePath"]: setting for setting in made["MethodSettings"]}
    assert limits["/*"]["ThrottlingBurstLimit"]
    line = json.loads(made["AccessLogSetting"]["Format"])
    assert {"request_id", "route", "status", "milliseconds"} <= set(line)
    assert made["TracingEnabled"] is True


def test_what_makes_the_service_hash_for_anyone_has_a_limit_of_its_own(
    transformed: Template,
) -> None:
    """A limit is each route's own. A request with a key that holds a secret is stretched
    before anything else is known of it, so that signing in is not the only one."""
    import app  # noqa: F401 - it declares the routes

    (stage_,) = of_type(transformed, "AWS::ApiGateway::Stage").values()
    limited = {
        (setting["HttpMethod"], setting["ResourcePath"][1:].replace("~1", "/"))
        for setting in stage_["Properties"]["MethodSettings"]
        if setting["ResourcePath"] != "/*" and setting["ThrottlingRateLimit"] <= 20
    }
    hashing = {
        (route.method, route.path)
        for route in ROUTES
        if route.sensitive and (route.audience is Audience.PUBLIC or route.ends_session)
    }
    assert limited == {*hashing, ("POST", "/login")}


def test_executions_are_kept_in_prod_and_can_be_given_back(
    transformed: Template, stage: str
) -> None:
    parameters = transformed["Parameters"]
    kept = {name: parameters[name]["Default"] for name in ("WebhookConcurrency", "OneScheduledRun")}
    assert kept == (
        {"WebhookConcurrency": 20, "OneScheduledRun": "yes"}
        if stage == "prod"
        else {"WebhookConcurrency": 0, "OneScheduledRun": "no"}
    )
    for function in ALL:
        reserved = properties(transformed, function.resource).get("ReservedConcurrentExecutions")
        if function.schedules:
            assert reserved == {"Fn::If": ["KeepsForSchedules", 1, {"Ref": "AWS::NoValue"}]}
        elif function.name == "stripe-webhook":
            wanted = {"Ref": "WebhookConcurrency"}
            assert reserved == {"Fn::If": ["KeepsForWebhook", wanted, {"Ref": "AWS::NoValue"}]}
        else:
            assert reserved is None, "it would be capped"


def test_the_access_log_is_allowed_before_it_is_written(transformed: Template) -> None:
    """CloudFormation makes things in the order of what refers to what."""
    (stage_,) = of_type(transformed, "AWS::ApiGateway::Stage").values()
    assert '{"Ref": "ApiGatewayLogs"}' in json.dumps(stage_["Properties"])
    (account,) = of_type(transformed, "AWS::ApiGateway::Account").values()
    assert account["DependsOn"] == "RestAPI"
    assert "ApiGatewayLogs" not in json.dumps(transformed["Resources"]["RestAPI"])


def test_the_template_is_one_that_cloudformation_takes(
    packages: dict[str, Path], transformed: Template, stage: str
) -> None:
    """Its quotas: 1 MB, 500 resources; and API Gateway's, 300 resources of an API."""
    assert (packages[stage] / TEMPLATE).stat().st_size < 1_000_000
    assert len(transformed["Resources"]) <= 500
    parts = [
        path.strip("/").split("/") for path in properties(transformed, "RestAPI")["Body"]["paths"]
    ]
    assert len({tuple(p[:n]) for p in parts for n in range(1, len(p) + 1)}) <= 300


def test_every_function_has_a_test_event() -> None:
    events = {path.stem for path in (ROOT / "infra" / "events").glob("*.json")}
    assert {function.name for function in ALL} <= events
