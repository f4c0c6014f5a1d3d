"""What IAM has to allow for a call to AWS, and what a policy allows: both as the same facts.

A Permission's resource is what the ARN ends in, without the stage: `table/tenants`,
`table/tenants/index/by-name`, `parameter/stripe-secret-key`, `identity`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

ONE_ITEM = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"})
BATCHES = frozenset({"BatchGetItem", "BatchWriteItem"})
# IAM knows no transactions, only what is in them.
IN_TRANSACTIONS = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class Permission(NamedTuple):
    function: str
    action: str
    resource: str


class UnknownCall(RuntimeError):
    """A call that nobody has told this module how IAM sees."""


def needed(
    function: str, service: str, operation: str, parameters: Mapping[str, Any], *, prefix: str
) -> set[Permission]:
    """The permissions that one call takes. prefix: of table names. Raises UnknownCall."""
    return {
        Permission(function, action, resource)
        for action, resource in _needed(service, operation, parameters, prefix)
    }


def _needed(
    service: str, operation: str, parameters: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    def table(name: str) -> str:
        return "table/" + name.removeprefix(f"{prefix}-")

    match service, operation:
        case "dynamodb", _ if operation in ONE_ITEM:
            index = parameters.get("IndexName")
            where = table(parameters["TableName"]) + (f"/index/{index}" if index else "")
            yield f"dynamodb:{operation}", where
        case "dynamodb", _ if operation in BATCHES:
            for name in parameters["RequestItems"]:
                yield f"dynamodb:{operation}", table(name)
        case "dynamodb", "TransactWriteItems" | "TransactGetItems":
            for item in parameters["TransactItems"]:
                ((kind, step),) = item.items()
                yield f"dynamodb:{IN_TRANSACTIONS[kind]}", table(step["TableName"])
        case "sesv2", "SendEmail":
            yield "ses:SendEmail", "identity"
            if "Raw" in parameters["Content"]:
                yield "ses:SendRawEmail", "identity"
        case "ssm", "GetParameter":
            yield "ssm:GetParameter", parameter(parameters["Name"])
        case _:
            raise UnknownCall(f"{service} {operation}: say in permissions.py what IAM needs.")


def parameter(name: str) -> str:
    """A parameter of ours, such as /tenantry/prod/public-url."""
    return "parameter/" + name.rsplit("/", 1)[1]


def allowed(function: str, statements: Iterable[Mapping[str, Any]]) -> set[Permission]:
    """What the statements of a policy allow. The runtime's own are left out: Lambda itself
    uses them, not our code."""
    return {
        Permission(function, action, _resource(statement["Resource"]))
        for statement in statements
        if statement["Sid"] not in RUNTIME_SIDS
        for action in statement["Action"]
    }


RUNTIME_SIDS = frozenset({"Logs", "Traces", "Failures"})


def _resource(resource: Mapping[str, Any]) -> str:
    """The ARN of a policy, back to the name that calls use."""
    match resource:
        case {"Fn::GetAtt": [logical_id, "Arn"]}:
            return "table/" + _noun(logical_id)
        case {"Fn::Sub": text} if text.startswith("${"):
            logical_id, _, index = text.removeprefix("${").partition(".Arn}/index/")
            return f"table/{_noun(logical_id)}/index/{index}"
        case {"Fn::Sub": text} if ":parameter/" in text:
            return parameter(text)
        case {"Fn::Sub": text} if ":identity/" in text:
            return "identity"
    raise ValueError(f"{resource} is not one that policies.py writes.")


def _noun(logical_id: str) -> str:
    """StripeEventsTable is the table stripe-events."""
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in logical_id)
    return words.removeprefix("-").removesuffix("-table")


def logical_id(noun: str) -> str:
    return "".join(word.capitalize() for word in noun.split("-")) + "Table"
