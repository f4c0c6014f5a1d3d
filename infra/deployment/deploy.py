"""`make deploy STAGE=… BUCKET=… [PARAMETERS="AlarmEmail=you@example.com …"]`: deploy the package.

Uploads the package, shows what CloudFormation would change, asks for confirmation, and applies
the changes. Parameters that are not given keep their current values. CloudFormation rolls back
a deployment that fails. To undo one that succeeded, deploy the previous commit.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import ClientError, WaiterError

from infra.confirm import confirmed
from infra.deployment.archive import sha256
from infra.deployment.inventory import BUILD, STAGES
from infra.deployment.package import ARCHIVE, read_template

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Lambda requires this much concurrency to remain for functions without reserved concurrency.
MIN_UNRESERVED = 100
SECRETS = ("stripe-secret-key", "stripe-webhook-secret")


class DeploymentRefused(RuntimeError):
    """Nothing was deployed, or the deployment failed. The message says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--bucket", required=True, help="the S3 bucket for archives and templates")
    parser.add_argument("--parameters", nargs="*", default=[], metavar="Name=value")
    given = parser.parse_args()
    try:
        deploy(given.stage, given.bucket, given.parameters, BUILD / given.stage)
    except (DeploymentRefused, ClientError, WaiterError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def deploy(stage: str, bucket: str, parameters: list[str], package: Path) -> None:
    """Deploy the package to the stage. Raises DeploymentRefused, ClientError, and WaiterError."""
    require_secrets(stage)
    template = read_template(package)
    cloudformation = boto3.client("cloudformation")
    stack = f"tenantry-{stage}"
    is_new, existing = existing_parameters(cloudformation, stack)
    values = choose_parameters(parameters, existing, set(template["Parameters"]))
    if is_new:
        require_concurrency(template, values)
    change_set = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=f"deploy-{sha256(package / ARCHIVE)[:12]}-{time.time_ns()}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=upload(package, bucket),
        Parameters=values,
        Capabilities=CAPABILITIES,
        Tags=[{"Key": "app", "Value": "tenantry"}, {"Key": "stage", "Value": stage}],
    )["Id"]
    executed = False
    try:
        _wait_for(cloudformation, change_set)
        print_changes(cloudformation, change_set)
        if not confirmed(stage, f"\nApply these changes to {stack}? Type the stage to confirm: "):
            raise DeploymentRefused("Nothing was changed.")
        cloudformation.execute_change_set(ChangeSetName=change_set)
        executed = True
    finally:
        if not executed:
            cloudformation.delete_change_set(ChangeSetName=change_set)
    kind = "stack_create_complete" if is_new else "stack_update_complete"
    try:
        cloudformation.get_waiter(kind).wait(StackName=stack)
    except WaiterError as error:
        raise DeploymentRefused(f"{error}\n{_failures(cloudformation, stack)}") from None
    for output in cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", []):
        print(f"{output['OutputKey']:20} {output['OutputValue']}")


def _wait_for(cloudformation: Any, change_set: str) -> None:
    """Wait until CloudFormation has determined the changes.

    Raises DeploymentRefused if there are none or the template is invalid.
    """
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
    except WaiterError:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set)["StatusReason"]
        raise DeploymentRefused(reason) from None


def _failures(cloudformation: Any, stack: str) -> str:
    """Return the failures of this deployment, latest first. The last one listed is the cause."""
    failures = []
    for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
        if event["ResourceStatus"].endswith("_FAILED"):
            failures.append(
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            )
        elif event.get("ResourceStatusReason") == "User Initiated":
            break
    return "\n".join(failures) or "See the stack's events."


def require_secrets(stage: str) -> None:
    """Raises DeploymentRefused if a secret is missing."""
    missing = missing_secrets(stage)
    if missing:
        raise DeploymentRefused(
            "These secrets are missing. docs/runbook.md explains how to create them.\n  "
            + "\n  ".join(missing)
        )


def missing_secrets(stage: str) -> list[str]:
    """Return the missing SSM parameters. CloudFormation can't create SecureString parameters."""
    names = [f"/tenantry/{stage}/{secret}" for secret in SECRETS]
    missing: list[str] = boto3.client("ssm").get_parameters(Names=names)["InvalidParameters"]
    return sorted(missing)


def require_concurrency(template: dict[str, Any], values: list[dict[str, Any]]) -> None:
    """Raises DeploymentRefused if the account lacks concurrency, as new accounts often do.

    In prod, a first deployment that fails leaves its tables behind, so check this beforehand.
    """
    required = required_concurrency(template, values)
    if not required:
        return
    available = unreserved_concurrency()
    if available - required < MIN_UNRESERVED:
        raise DeploymentRefused(
            f"The stack would reserve a concurrency of {required}. Of the {available} available "
            f"in this account and region, Lambda requires {MIN_UNRESERVED} to stay unreserved. "
            "Request an increase (Service Quotas, Lambda, Concurrent executions), or add the "
            "parameters WebhookConcurrency=0 OneScheduledRun=no."
        )


def unreserved_concurrency() -> int:
    """Return how much of the account's concurrency is not reserved for a function."""
    limit: dict[str, int] = boto3.client("lambda").get_account_settings()["AccountLimit"]
    return limit["UnreservedConcurrentExecutions"]


def required_concurrency(template: dict[str, Any], values: list[dict[str, Any]]) -> int:
    """Return how much concurrency a new stack reserves for its functions."""
    given = {value["ParameterKey"]: value.get("ParameterValue") for value in values}

    def value_of(name: str) -> str:
        return str(given.get(name, template["Parameters"][name]["Default"]))

    scheduled = sum(
        "KeepsForSchedules" in str(resource["Properties"].get("ReservedConcurrentExecutions"))
        for resource in template["Resources"].values()
    )
    one_each = scheduled if value_of("OneScheduledRun") == "yes" else 0
    return int(value_of("WebhookConcurrency")) + one_each


def upload(package: Path, bucket: str) -> str:
    """Upload the archive and the template, named by their hashes. Return the template's URL."""
    s3 = boto3.client("s3")
    code = f"tenantry/{sha256(package / ARCHIVE)}.zip"
    s3.upload_file(str(package / ARCHIVE), bucket, code)
    template = read_template(package)
    for resource in template["Resources"].values():
        if "CodeUri" in resource["Properties"]:
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": code}
    file = package / "uploaded.yaml"
    file.write_text(yaml.safe_dump(template))
    key = f"tenantry/template-{sha256(file)}"
    s3.upload_file(str(file), bucket, key)
    return f"https://{bucket}.s3.amazonaws.com/{key}"


def existing_parameters(cloudformation: Any, stack: str) -> tuple[bool, set[str]]:
    """Return whether the stack has to be created, and the names of its parameters."""
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return True, set()
    is_new = found["StackStatus"] == "REVIEW_IN_PROGRESS"
    return is_new, {parameter["ParameterKey"] for parameter in found.get("Parameters", [])}


def choose_parameters(
    given: list[str], existing: set[str], declared: set[str]
) -> list[dict[str, Any]]:
    """Return the given values, and keep the stack's values for the other parameters.

    Raises DeploymentRefused for a parameter that the template doesn't declare.
    """
    values = dict(text.partition("=")[::2] for text in given)
    unknown = set(values) - declared
    if unknown:
        raise DeploymentRefused(
            f"There is no parameter {min(unknown)}. Use {', '.join(sorted(declared))}."
        )
    kept = (existing & declared) - set(values) - {"Stage"}
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in values.items()),
        *({"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)),
    ]


def print_changes(cloudformation: Any, change_set: str) -> None:
    """Print the changes, and mark resources that would be replaced."""
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    for page in pages:
        for change in page["Changes"]:
            entry = change["ResourceChange"]
            replaced = "  REPLACED" if entry.get("Replacement") == "True" else ""
            action, kind = entry["Action"], entry["ResourceType"]
            print(f"{action:8} {kind:36} {entry['LogicalResourceId']}{replaced}")


if __name__ == "__main__":
    sys.exit(main())
