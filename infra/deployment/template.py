"""resources.yaml made whole for one stage: what holds for every resource of its kind.

Chalice merges the result into its own template; maps merge, lists replace.
"""

from typing import Any

from chalice.package import YAMLTemplateSerializer
from chalice.utils import to_cfn_resource_name

from infra.deployment.dashboard import dashboard
from infra.deployment.inventory import RESOURCES, Function

Template = dict[str, Any]

ALARM_TARGETS = [{"Ref": "AlarmsTopic"}]
# By stage, what a deployment has that says nothing else. In the others no execution is kept:
# an account's limit is shared by all its stages, and a new account has none to keep.
RESERVED = {"prod": {"WebhookConcurrency": 20, "OneScheduledRun": "yes"}}
# For an hour, or until it has failed three times; then it is kept in the queue.
RETRIES = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 2}
# Twice the rarest schedule. A function that is not invoked tells nothing, so nothing is bad.
SILENCE = {
    "Period": 3600,
    "EvaluationPeriods": 2,
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "breaching",
}
TAGGED = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::SQS::Queue",
        "AWS::SNS::Topic",
        "AWS::Logs::LogGroup",
        "AWS::ApiGateway::DomainName",
        "AWS::CloudWatch::Alarm",
    }
)


def read_resources() -> Template:
    """resources.yaml with its intrinsic functions written out."""
    return YAMLTemplateSerializer().load_template(RESOURCES.read_text(), RESOURCES.name)


def merge_template(stage: str, retention_days: int, functions: list[Function]) -> Template:
    """What `chalice package --merge-template` is given."""
    template = read_resources()
    # A package is made for one stage, and can be deployed as no other.
    template["Parameters"]["Stage"] = {"Type": "String", "AllowedValues": [stage], "Default": stage}
    for parameter, value in RESERVED.get(stage, {}).items():
        template["Parameters"][parameter]["Default"] = value
    resources = template["Resources"]
    tables = [n for n, r in resources.items() if r["Type"] == "AWS::DynamoDB::Table"]
    for function in functions:
        _add_function(template, function)
    resources["Dashboard"] = dashboard(functions, [resources[t] for t in tables], resources)
    for resource in resources.values():
        _complete(resource, stage, retention_days)
    return template


def _add_function(template: Template, function: Function) -> None:
    """The function's name, where its failures go, and its alarms."""
    resources = template["Resources"]
    settings = resources.setdefault(function.resource, {}).setdefault("Properties", {})
    resources[function.resource].setdefault("Type", "AWS::Serverless::Function")
    name = f"tenantry-${{Stage}}-{function.name}"
    settings["FunctionName"] = {"Fn::Sub": name}
    # Chalice's own name for it refers to a function that it renames in the case of the API.
    log = to_cfn_resource_name(f"{function.chalice_name}-log-group")
    resources[log] = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Fn::Sub": f"/aws/lambda/{name}"}},
    }
    if function.schedules:
        _schedule(template, function, settings)
    else:
        _add_alarm(
            template, function, "throttled", "Invocations were refused for load", "Throttles"
        )


def _schedule(template: Template, function: Function, settings: Template) -> None:
    """Its events are kept when they fail, and it is noticed when it fails or does not run.

    Throttling is no alarm of its own here: its events wait for an hour, and go to the queue.
    """
    queue = {"Fn::GetAtt": ["FailuresQueue", "Arn"]}
    settings["EventInvokeConfig"] = {
        **RETRIES,
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": queue}},
    }
    kept = {"DeadLetterConfig": {"Arn": queue}, "RetryPolicy": RETRIES}
    for name in function.schedules:
        event = settings.setdefault("Events", {}).setdefault(name, {})
        event.setdefault("Properties", {}).update(kept)
    one_or_any = ["KeepsForSchedules", 1, {"Ref": "AWS::NoValue"}]
    settings["ReservedConcurrentExecutions"] = {"Fn::If": one_or_any}
    _add_alarm(template, function, "fails", "A scheduled function failed", "Errors")
    what = "A scheduled function has not run for two hours"
    _add_alarm(template, function, "silent", what, "Invocations", **SILENCE)


def _add_alarm(
    template: Template, function: Function, suffix: str, what: str, metric: str, **other: Any
) -> None:
    template["Resources"][f"{function.resource}{suffix.capitalize()}Alarm"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": f'{what}: {function.name}. Runbook, "A function\'s alarm".',
            "Namespace": "AWS/Lambda",
            "MetricName": metric,
            "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": function.resource}}],
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **other,
        },
    }


def _complete(resource: Template, stage: str, retention_days: int) -> None:
    properties = resource["Properties"]
    kind = resource["Type"]
    if kind == "AWS::DynamoDB::Table":
        _protect(resource, stage)
    elif kind == "AWS::SQS::Queue":
        properties.setdefault("SqsManagedSseEnabled", True)
        resource |= _kept("Delete")
    elif kind == "AWS::Logs::LogGroup":
        properties.setdefault("RetentionInDays", retention_days)
        resource |= _kept("Delete")
    elif kind == "AWS::CloudWatch::Alarm":
        properties.setdefault("AlarmActions", ALARM_TARGETS)
        properties.setdefault("OKActions", ALARM_TARGETS)
        properties.setdefault("TreatMissingData", "notBreaching")
    if kind in TAGGED:
        tags = {"app": "tenantry", "stage": stage}
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]


def _protect(table: Template, stage: str) -> None:
    """What makes a table's rows hard to lose, and in prod all but impossible."""
    table["Properties"] |= {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
        "DeletionProtectionEnabled": stage == "prod",
    }
    table |= _kept("Retain" if stage == "prod" else "Delete")


def _kept(policy: str) -> Template:
    """What becomes of a resource when its stack goes, or replaces it."""
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
