"""The packaged template of each stage, before and after the SAM transform."""

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
from chalicelib.http.headers import API_HEADERS
from chalicelib.payments.client import NETWORK_RETRIES, TIMEOUT_SECONDS
from chalicelib.storage.rows import Expiry, Row
from chalicelib.storage.transactions import DEADLINE_SECONDS
from infra.deployment.inventory import ROOT, Function, functions
from infra.deployment.package import TEMPLATE
from infra.deployment.policies import policy_file
from infra.local.gateway import _not_found
from tests.deployment.sam import Template, of_type, resolved

FUNCTIONS = functions()
SCHEDULED = [function for function in FUNCTIONS if function.schedules]


def by_name(function: Function) -> str:
    return function.name


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def test_cfn_lint_finds_nothing(packages: dict[str, Path], stage: str) -> None:
    arguments = cfnlint.api.ManualArgs(regions=["us-east-1"], include_checks=["I"])
    findings = cfnlint.api.lint((packages[stage] / TEMPLATE).read_text(), config=arguments)
    assert not [f"{finding.rule.id}: {finding.message}" for finding in findings]


def test_a_package_can_be_deployed_only_to_its_stage(transformed: Template, stage: str) -> None:
    parameter = transformed["Parameters"]["Stage"]
    assert (parameter["AllowedValues"], parameter["Default"]) == ([stage], stage)


def test_the_functions_are_those_that_the_code_registers(transformed: Template) -> None:
    found = of_type(transformed, "AWS::Lambda::Function")
    assert set(found) == {function.resource for function in FUNCTIONS}
    for function in FUNCTIONS:
        assert found[function.resource]["Properties"]["Handler"] == function.handler


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_functions_have_tracing_limits_and_log_retention(
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


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_functions_have_time_to_report_that_stripe_does_not_respond(
    transformed: Template, function: Function
) -> None:
    """A function that Lambda kills at its timeout writes neither a log line nor a record.

    API Gateway waits only 29 seconds, so the caller of the API already has a response by then.
    """
    attempts = NETWORK_RETRIES + 1
    delays = sum(HTTPClient.INITIAL_DELAY * 2**n for n in range(NETWORK_RETRIES))
    stripe = attempts * TIMEOUT_SECONDS + delays
    assert properties(transformed, function.resource)["Timeout"] >= stripe + 2 * DEADLINE_SECONDS


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_functions_have_valid_settings(transformed: Template, function: Function) -> None:
    variables = properties(transformed, function.resource)["Environment"]["Variables"]
    made = settings.from_environment(resolved(variables, transformed))
    assert made.table_prefix == f"tenantry-{made.stage}"
    assert not [name for name in variables if "SECRET" in name and "PARAMETER" not in name]


def test_the_template_sets_every_setting(transformed: Template) -> None:
    """The template sets every variable that settings.py reads, except those for local runs."""
    source = Path(settings.__file__).read_text()
    read = set(re.findall(r"\b(?:optional|required|get)\(\"([A-Z_]+)\"", source))
    parameters = set(re.findall(r"value_or_parameter\(\"([A-Z_]+)\"\)", source))
    assert parameters
    read |= {f"{name}_PARAMETER" for name in parameters}
    variables = properties(transformed, "APIHandler")["Environment"]["Variables"]
    assert read - {"STRIPE_API_BASE", "DNS_SERVER"} <= set(variables)


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_roles_are_the_reviewed_policies(transformed: Template, function: Function) -> None:
    role_id, _ = properties(transformed, function.resource)["Role"]["Fn::GetAtt"]
    role = properties(transformed, role_id)
    (policy,) = role["Policies"]
    assert policy["PolicyDocument"] == json.loads(policy_file(function.name).read_text())
    assert "ManagedPolicyArns" not in role
    others = {
        properties(transformed, other.resource)["Role"]["Fn::GetAtt"][0]
        for other in FUNCTIONS
        if other != function
    }
    assert role_id not in others


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_no_function_can_change_the_audit_trail_or_the_ledger(function: Function) -> None:
    """Functions can only read entries and add new ones."""
    for statement in json.loads(policy_file(function.name).read_text())["Statement"]:
        if statement["Sid"] in ("TableAudit", "TableLedger"):
            allowed = {action.removeprefix("dynamodb:") for action in statement["Action"]}
            assert allowed <= {"PutItem", "GetItem", "BatchGetItem", "Query"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_policies_have_no_wildcards(function: Function) -> None:
    for statement in json.loads(policy_file(function.name).read_text())["Statement"]:
        assert not [action for action in statement["Action"] if "*" in action]
        assert statement["Resource"] != "*" or statement["Sid"] == "Traces"


@pytest.mark.parametrize("function", SCHEDULED, ids=by_name)
def test_failed_scheduled_events_go_to_the_queue(transformed: Template, function: Function) -> None:
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


def test_tables_are_protected_against_loss(transformed: Template, stage: str) -> None:
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


def test_the_ttl_attribute_is_the_column_that_the_code_writes(transformed: Template) -> None:
    """DynamoDB also accepts a TTL attribute that no row has, but then nothing would ever expire."""
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


def test_the_webhook_url_is_public(transformed: Template) -> None:
    """Since October 2025, a public function URL needs two permissions."""
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


# The types of API Gateway's response to an unknown route: without a bearer token, with a bearer
# token (which API Gateway parses as an AWS signature), and the documented type.
UNKNOWN_ROUTE = ("MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("name", UNKNOWN_ROUTE)
def test_the_response_to_an_unknown_route_is_the_same_as_locally(
    transformed: Template, name: str
) -> None:
    local = _not_found()
    answer = gateway_responses(transformed)[name]
    assert int(answer["statusCode"]) == local.status
    assert json.loads(answer["responseTemplates"]["application/json"]) == json.loads(local.body)


def test_the_gateways_responses_are_problem_documents(transformed: Template) -> None:
    answers = gateway_responses(transformed)
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "REQUEST_TOO_LARGE"} <= set(answers)
    for answer in answers.values():
        kind = answer["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert kind == "'application/problem+json'"
        text = answer["responseTemplates"]["application/json"]
        assert "$" not in text, "variables can repeat the Authorization header"
        document = json.loads(text)
        assert {"type", "title", "detail", "code"} <= set(document)
        if "statusCode" in answer:
            assert document["status"] == int(answer["statusCode"])


def test_the_gateways_responses_have_the_apis_headers(transformed: Template) -> None:
    local = dict(_not_found().headers)
    for answer in gateway_responses(transformed).values():
        sent = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in answer["responseParameters"].items()
        }
        assert sent["X-Request-Id"] == "context.requestId"
        for name, value in API_HEADERS.items():
            # The policy uses an empty list instead of 'none', because quotes can't be nested.
            assert sent[name] == "'" + value.replace(" 'none'", "") + "'", name
            assert local[name] == value


def gateway_responses(transformed: Template) -> dict[str, Any]:
    body = properties(transformed, "RestAPI")["Body"]
    answers: dict[str, Any] = body["x-amazon-apigateway-gateway-responses"]
    return answers


def test_the_stage_has_rate_limits_and_an_access_log(transformed: Template) -> None:
    (stage_,) = of_type(transformed, "AWS::ApiGateway::Stage").values()
    made = stage_["Properties"]
    limits = {setting["ResourcePath"]: setting for setting in made["MethodSettings"]}
    assert limits["/*"]["ThrottlingBurstLimit"]
    line = json.loads(made["AccessLogSetting"]["Format"])
    assert {"request_id", "route", "status", "milliseconds"} <= set(line)
    assert made["TracingEnabled"] is True


def test_public_routes_that_hash_passwords_have_a_lower_rate_limit(
    transformed: Template,
) -> None:
    """Covers routes that hash any request with an idempotency key before any other check."""
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


def test_only_prod_reserves_concurrency_by_default(transformed: Template, stage: str) -> None:
    parameters = transformed["Parameters"]
    kept = {name: parameters[name]["Default"] for name in ("WebhookConcurrency", "OneScheduledRun")}
    assert kept == (
        {"WebhookConcurrency": 20, "OneScheduledRun": "yes"}
        if stage == "prod"
        else {"WebhookConcurrency": 0, "OneScheduledRun": "no"}
    )
    for function in FUNCTIONS:
        reserved = properties(transformed, function.resource).get("ReservedConcurrentExecutions")
        if function.schedules:
            assert reserved == {"Fn::If": ["KeepsForSchedules", 1, {"Ref": "AWS::NoValue"}]}
        elif function.name == "stripe-webhook":
            value = {"Ref": "WebhookConcurrency"}
            assert reserved == {"Fn::If": ["KeepsForWebhook", value, {"Ref": "AWS::NoValue"}]}
        else:
            assert reserved is None, "reserved concurrency would cap the API"


def test_the_stage_is_created_after_api_gateway_can_write_logs(transformed: Template) -> None:
    """CloudFormation creates a resource after the resources that it refers to."""
    (stage_,) = of_type(transformed, "AWS::ApiGateway::Stage").values()
    assert '{"Ref": "ApiGatewayLogs"}' in json.dumps(stage_["Properties"])
    (account,) = of_type(transformed, "AWS::ApiGateway::Account").values()
    assert account["DependsOn"] == "RestAPI"
    assert "ApiGatewayLogs" not in json.dumps(transformed["Resources"]["RestAPI"])


def test_the_template_is_within_the_quotas_of_aws(
    packages: dict[str, Path], transformed: Template, stage: str
) -> None:
    """CloudFormation allows 1 MB and 500 resources, and API Gateway 300 resources per API."""
    assert (packages[stage] / TEMPLATE).stat().st_size < 1_000_000
    assert len(transformed["Resources"]) <= 500
    segments = [
        path.strip("/").split("/") for path in properties(transformed, "RestAPI")["Body"]["paths"]
    ]
    assert len({tuple(p[:n]) for p in segments for n in range(1, len(p) + 1)}) <= 300


def test_every_function_has_a_test_event() -> None:
    events = {path.stem for path in (ROOT / "infra" / "events").glob("*.json")}
    assert {function.name for function in FUNCTIONS} <= events
