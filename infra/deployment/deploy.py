"""`make deploy STAGE=… BUCKET=… [PARAMETERS="AlarmEmail=you@example.com …"]`: upload the package,
show what CloudFormation would change, ask, change it.

Parameters that are not given keep the values that the stack has. A change that fails is
rolled back by CloudFormation; a change that was wrong, by deploying the commit before it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import ClientError, WaiterError

from infra.deployment.archive import sha256
from infra.deployment.package import ARCHIVE, read_template
from infra.deployment.places import BUILD, STAGES

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
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
    missing = missing_secrets(stage)
    if missing:
        raise Refused(
            "These secrets are not there yet; docs/runbook.md says how to put them:\n  "
            + "\n  ".join(missing)
        )
    template = upload(package, bucket)
    cloudformation = boto3.client("cloudformation")
    stack = f"tenantry-{stage}"
    is_new, known = existing_parameters(cloudformation, stack)
    change_set = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=f"deploy-{sha256(package / ARCHIVE)[:12]}-{template.rsplit('-', 1)[1][:12]}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=template,
        Parameters=chosen(parameters, known, set(read_template(package)["Parameters"])),
        Capabilities=CAPABILITIES,
        Tags=[{"Key": "app", "Value": "tenantry"}, {"Key": "stage", "Value": stage}],
    )["Id"]
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
    except WaiterError:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set)["StatusReason"]
        cloudformation.delete_change_set(ChangeSetName=change_set)
        raise Refused(reason) from None
    show(cloudformation, change_set)
    if input(f"\nChange {stack} so? Type its stage to say yes: ").strip() != stage:
        cloudformation.delete_change_set(ChangeSetName=change_set)
        raise Refused("Nothing was changed.")
    cloudformation.execute_change_set(ChangeSetName=change_set)
    kind = "stack_create_complete" if is_new else "stack_update_complete"
    cloudformation.get_waiter(kind).wait(StackName=stack)
    for output in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]:
        print(f"{output['OutputKey']:20} {output['OutputValue']}")


def missing_secrets(stage: str) -> list[str]:
    """The parameters that a person puts by hand, since CloudFormation cannot."""
    names = [f"/tenantry/{stage}/{secret}" for secret in SECRETS]
    missing: list[str] = boto3.client("ssm").get_parameters(Names=names)["InvalidParameters"]
    return sorted(missing)


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
