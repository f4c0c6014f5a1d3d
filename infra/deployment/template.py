"""Complete resources.yaml for one stage with the settings that all resources of a type share.

Chalice merges the result into its own template. Maps are merged, lists are replaced.
"""

from typing import Any

from chalice.package import YAMLTemplateSerializer
from chalice.utils import to_cfn_resource_name

from infra.deployment.dashboard import dashboard
from infra.deployment.inventory import RESOURCES, Function

Template = dict[str, Any]

ALARM_TARGETS = [{"Ref": "AlarmsTopic"}]
# Default reserved concurrency by stage. Other stages reserve none, because all stages share the
# account's limit, and a new account has none to reserve.
RESERVED_CONCURRENCY = {"prod": {"WebhookConcurrency": 20, "OneScheduledRun": "yes"}}
# Retry for an hour, up to three attempts in total. After that, the event goes to the queue.
RETRIES = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 2}
# Twice the longest interval between invocations. A function that isn't invoked has no metric at
# all, so missing data must trigger the alarm.
SILENT_ALARM = {
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
    """Return resources.yaml, with intrinsic functions in their long form."""
    return YAMLTemplateSerializer().load_template(RESOURCES.read_text(), RESOURCES.name)


def merge_template(stage: str, retention_days: int, functions: list[Function]) -> Template:
    """Return the template for `chalice package --merge-template`."""
    template = read_resources()
    # A package is built for one stage and can't be deployed to another.
    template["Parameters"]["Stage"] = {"Type": "String", "AllowedValues": [stage], "Default": stage}
    for parameter, value in RESERVED_CONCURRENCY.get(stage, {}).items():
        template["Parameters"][parameter]["Default"] = value
    resources = template["Resources"]
    tables = [n for n, r in resources.items() if r["Type"] == "AWS::DynamoDB::Table"]
    for function in functions:
        _add_function(template, function)
    resources["Dashboard"] = dashboard(functions, [resources[t] for t in tables], resources)
    for resource in resources.values():
        _add_common_properties(resource, stage, retention_days)
    return template


def _add_function(template: Template, function: Function) -> None:
    """Add the function's name, log group, destination for failures, and alarms."""
    resources = template["Resources"]
    settings = resources.setdefault(function.resource, {}).setdefault("Properties", {})
    resources[function.resource].setdefault("Type", "AWS::Serverless::Function")
    name = f"tenantry-${{Stage}}-{function.name}"
    settings["FunctionName"] = {"Fn::Sub": name}
    # Chalice's name for the log group refers to the function, and Chalice renames the API's.
    log = to_cfn_resource_name(f"{function.chalice_name}-log-group")
    resources[log] = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Fn::Sub": f"/aws/lambda/{name}"}},
    }
    if function.schedules:
        _schedule(template, function, settings)
    else:
        _add_alarm(template, function, "throttled", "Invocations were throttled", "Throttles")


def _schedule(template: Template, function: Function, settings: Template) -> None:
    """Send failed events to the queue, and alert if the function fails or does not run.

    Throttling needs no alarm: a throttled event is retried for an hour and then goes to the queue.
    """
    queue = {"Fn::GetAtt": ["FailuresQueue", "Arn"]}
    settings["EventInvokeConfig"] = {
        **RETRIES,
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": queue}},
    }
    on_failure = {"DeadLetterConfig": {"Arn": queue}, "RetryPolicy": RETRIES}
    for name in function.schedules:
        event = settings.setdefault("Events", {}).setdefault(name, {})
        event.setdefault("Properties", {}).update(on_failure)
    one_or_none = ["KeepsForSchedules", 1, {"Ref": "AWS::NoValue"}]
    settings["ReservedConcurrentExecutions"] = {"Fn::If": one_or_none}
    _add_alarm(template, function, "fails", "A scheduled function failed", "Errors")
    problem = "A scheduled function has not run for two hours"
    _add_alarm(template, function, "silent", problem, "Invocations", **SILENT_ALARM)


def _add_alarm(
    template: Template, function: Function, suffix: str, problem: str, metric: str, **other: Any
) -> None:
    template["Resources"][f"{function.resource}{suffix.capitalize()}Alarm"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": f'{problem}: {function.name}. Runbook, "A function\'s alarm".',
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


def _add_common_properties(resource: Template, stage: str, retention_days: int) -> None:
    properties = resource["Properties"]
    kind = resource["Type"]
    if kind == "AWS::DynamoDB::Table":
        _protect_table(resource, stage)
    elif kind == "AWS::SQS::Queue":
        properties.setdefault("SqsManagedSseEnabled", True)
        resource |= _removal_policy("Delete")
    elif kind == "AWS::Logs::LogGroup":
        properties.setdefault("RetentionInDays", retention_days)
        resource |= _removal_policy("Delete")
    elif kind == "AWS::CloudWatch::Alarm":
        properties.setdefault("AlarmActions", ALARM_TARGETS)
        properties.setdefault("OKActions", ALARM_TARGETS)
        properties.setdefault("TreatMissingData", "notBreaching")
    if kind in TAGGED:
        tags = {"app": "tenantry", "stage": stage}
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]


def _protect_table(table: Template, stage: str) -> None:
    """Protect a table's rows against loss, most strictly in prod."""
    table["Properties"] |= {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
        "DeletionProtectionEnabled": stage == "prod",
    }
    table |= _removal_policy("Retain" if stage == "prod" else "Delete")


def _removal_policy(policy: str) -> Template:
    """Return what happens to a resource when its stack deletes or replaces it."""
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
