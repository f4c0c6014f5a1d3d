"""`make deploy STAGE=… BUCKET=… [PARAMETERS="AlarmEmail=you@example.com …"]`: upload the package,
show what CloudFormation would change, ask, change it.

Parameters that are not given keep the values that the stack has. A change that fails is
rolled back by CloudFormation; a change that was wrong, by deploying the commit before it.
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
# What Lambda wants left for functions without executions of their own.
LEFT_UNRESERVED = 100
SECRETS = ("stripe-secret-key", "stripe-webhook-secret")


class Refused(RuntimeError):
    """It was not deployed; the message says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--bucket", required=True, help="an S3 bucket for archives and templates")
    parser.add_argument("--parameters", nargs="*", default=[], metavar="Name=value")
    given = parser.parse_args()
    try:
        deploy(given.stage, given.bucket, given.parameters, BUILD / given.stage)
    except (Refused, ClientError, WaiterError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def deploy(stage: str, bucket: str, parameters: list[str], package: Path) -> None:
    """Raises Refused, and what AWS raises."""
    refuse_without_secrets(stage)
    template = read_template(package)
    cloudformation = boto3.client("cloudformation")
    stack = f"tenantry-{stage}"
    is_new, known = existing_parameters(cloudformation, stack)
    values = chosen(parameters, known, set(template["Parameters"]))
    if is_new:
        refuse_without_room(template, values)
    change_set = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=f"deploy-{sha256(package / ARCHIVE)[:12]}-{time.time_ns()}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=upload(package, bucket),
        Parameters=values,
        Capabilities=CAPABILITIES,
        Tags=[{"Key": "app", "Value": "tenantry"}, {"Key": "stage", "Value": stage}],
    )["Id"]
    carried_out = False
    try:
        _wait_for(cloudformation, change_set)
        show(cloudformation, change_set)
        if not confirmed(stage, f"\nChange {stack} so? Type its stage to say yes: "):
            raise Refused("Nothing was changed.")
        cloudformation.execute_change_set(ChangeSetName=change_set)
        carried_out = True
    finally:
        if not carried_out:
            cloudformation.delete_change_set(ChangeSetName=change_set)
    kind = "stack_create_complete" if is_new else "stack_update_complete"
    try:
        cloudformation.get_waiter(kind).wait(StackName=stack)
    except WaiterError as error:
        raise Refused(f"{error}\n{_failures(cloudformation, stack)}") from None
    for output in cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", []):
        print(f"{output['OutputKey']:20} {output['OutputValue']}")


def _wait_for(cloudformation: Any, change_set: str) -> None:
    """Until CloudFormation knows what would change. Raises Refused where nothing would, or
    where the template is not right."""
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
    except WaiterError:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set)["StatusReason"]
        raise Refused(reason) from None


def _failures(cloudformation: Any, stack: str) -> str:
    """What failed of this deployment and why, the first of it last: that is the cause."""
    told = []
    for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
        if event["ResourceStatus"].endswith("_FAILED"):
            told.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}")
        elif event.get("ResourceStatusReason") == "User Initiated":
            break
    return "\n".join(told) or "See the stack's events."


def refuse_without_secrets(stage: str) -> None:
    """Raises Refused."""
    missing = missing_secrets(stage)
    if missing:
        raise Refused(
            "These secrets are not there yet; docs/runbook.md says how to put them:\n  "
            + "\n  ".join(missing)
        )


def missing_secrets(stage: str) -> list[str]:
    """The parameters that a person puts by hand, since CloudFormation cannot."""
    names = [f"/tenantry/{stage}/{secret}" for secret in SECRETS]
    missing: list[str] = boto3.client("ssm").get_parameters(Names=names)["InvalidParameters"]
    return sorted(missing)


def refuse_without_room(template: dict[str, Any], values: list[dict[str, Any]]) -> None:
    """A first stack that fails leaves its tables behind, in prod, so what a new account lacks
    most often is looked at before. Raises Refused."""
    wanted = reserved(template, values)
    if not wanted:
        return
    free = free_executions()
    if free - wanted < LEFT_UNRESERVED:
        raise Refused(
            f"{wanted} executions would be kept, and Lambda wants {LEFT_UNRESERVED} left of the "
            f"{free} that are free here. Ask for more (Service Quotas, Lambda, Concurrent "
            "executions), or add the parameters WebhookConcurrency=0 OneScheduledRun=no."
        )


def free_executions() -> int:
    """How many of the account's are kept for no function."""
    limit: dict[str, int] = boto3.client("lambda").get_account_settings()["AccountLimit"]
    return limit["UnreservedConcurrentExecutions"]


def reserved(template: dict[str, Any], values: list[dict[str, Any]]) -> int:
    """So many executions a new stack keeps for functions of its own."""
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
    """The template's address. Both files are named by what is in them."""
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
    """Whether the stack has to be made, and the names of the values that it has."""
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return True, set()
    is_new = found["StackStatus"] == "REVIEW_IN_PROGRESS"
    return is_new, {parameter["ParameterKey"] for parameter in found.get("Parameters", [])}


def chosen(given: list[str], known: set[str], wanted: set[str]) -> list[dict[str, Any]]:
    """Given values first, then those that the stack has. Raises Refused."""
    values = dict(text.partition("=")[::2] for text in given)
    unknown = set(values) - wanted
    if unknown:
        raise Refused(f"There is no parameter {min(unknown)}; use {', '.join(sorted(wanted))}.")
    kept = (known & wanted) - set(values) - {"Stage"}
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in values.items()),
        *({"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)),
    ]


def show(cloudformation: Any, change_set: str) -> None:
    """What would change; a table that would be replaced stands out."""
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    for page in pages:
        for change in page["Changes"]:
            it = change["ResourceChange"]
            replaced = "  REPLACED" if it.get("Replacement") == "True" else ""
            print(f"{it['Action']:8} {it['ResourceType']:36} {it['LogicalResourceId']}{replaced}")


if __name__ == "__main__":
    sys.exit(main())
