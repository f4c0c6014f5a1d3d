"""`make policies`: generate the functions' IAM policies from the AWS calls of a full test run.

The generated files are under version control, so that every change to them gets reviewed.
"""

import json
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from infra.deployment.inventory import BUILD, POLICIES, ROOT, Function, functions
from infra.deployment.permissions import Permission, logical_id, permissions_in_policy

RECORD = BUILD / "aws-calls.json"

Statement = dict[str, Any]


def main() -> int:
    if not RECORD.exists():
        print("There is no record of a full test run. Run make test first.", file=sys.stderr)
        return 1
    recorded = read_record()
    for function in functions():
        path = policy_file(function.name)
        path.write_text(policy_document(function, recorded))
        print(path.relative_to(ROOT))
    return 0


def policy_file(function: str) -> Path:
    return POLICIES / f"policy-{function}.json"


def read_record() -> set[Permission]:
    return {Permission(*row) for row in json.loads(RECORD.read_text())}


def write_record(permissions: Iterable[Permission]) -> None:
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(sorted(permissions), indent=0))


def permissions_in_files() -> set[Permission]:
    """Return the permissions that the policy files grant."""
    return {
        permission
        for path in POLICIES.glob("policy-*.json")
        for permission in permissions_in_policy(
            path.stem.removeprefix("policy-"), json.loads(path.read_text())["Statement"]
        )
    }


def policy_document(function: Function, recorded: Iterable[Permission]) -> str:
    """Return the function's policy document as JSON."""
    used = sorted((p.resource, p.action) for p in recorded if p.function == function.name)
    statements = _runtime_statements(function)
    for resource, group in groupby(used, key=lambda pair: pair[0]):
        statements.append(
            {
                "Sid": "".join(word.capitalize() for word in _words(resource)),
                "Effect": "Allow",
                "Action": [action for _, action in group],
                "Resource": _arn(resource),
            }
        )
    document = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(document, indent=2) + "\n"


def _runtime_statements(function: Function) -> list[Statement]:
    """Return the statements for what the Lambda runtime does on behalf of the function."""
    log = f"/aws/lambda/tenantry-${{Stage}}-{function.name}"
    statements: list[Statement] = [
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": _regional_arn("logs", f"log-group:{log}:*"),
        },
        {
            "Sid": "Traces",
            "Effect": "Allow",
            "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "Resource": "*",  # these X-Ray actions have no resources
        },
    ]
    if function.is_asynchronous:
        statements.append(
            {
                "Sid": "Failures",
                "Effect": "Allow",
                "Action": ["sqs:SendMessage"],
                "Resource": {"Fn::GetAtt": ["FailuresQueue", "Arn"]},
            }
        )
    return statements


def _words(resource: str) -> list[str]:
    return resource.replace("/index/", "-").replace("/", "-").split("-")


def _arn(resource: str) -> dict[str, Any]:
    kind, _, name = resource.partition("/")
    if kind == "parameter":
        return _regional_arn("ssm", f"parameter/tenantry/${{Stage}}/{name}")
    if kind == "identity":
        return _regional_arn("ses", "identity/${MailIdentity}")
    table, _, index = name.partition("/index/")
    if index:
        return {"Fn::Sub": f"${{{logical_id(table)}.Arn}}/index/{index}"}
    return {"Fn::GetAtt": [logical_id(table), "Arn"]}


def _regional_arn(service: str, rest: str) -> dict[str, Any]:
    where = "${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{where}:{rest}"}


if __name__ == "__main__":
    sys.exit(main())
