"""The permissions that a call to AWS needs, and those that a policy grants, in one format.

A Permission's resource is the end of the ARN without the stage, such as `table/tenants`,
`table/tenants/index/by-name`, `parameter/stripe-secret-key`, or `identity`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

TABLE_OPERATIONS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"})
BATCH_OPERATIONS = frozenset({"BatchGetItem", "BatchWriteItem"})
# IAM has no actions for transactions, only for their steps.
TRANSACTION_ACTIONS = {
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
    """This module doesn't know which permissions the call needs."""


def permissions_for_call(
    function: str, service: str, operation: str, parameters: Mapping[str, Any], *, prefix: str
) -> set[Permission]:
    """Return the permissions that a call needs. Raises UnknownCall.

    `prefix` is the prefix of table names.
    """
    return {
        Permission(function, action, resource)
        for action, resource in _actions_and_resources(service, operation, parameters, prefix)
    }


def _actions_and_resources(
    service: str, operation: str, parameters: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    def table(name: str) -> str:
        return "table/" + name.removeprefix(f"{prefix}-")

    match service, operation:
        case "dynamodb", _ if operation in TABLE_OPERATIONS:
            index = parameters.get("IndexName")
            where = table(parameters["TableName"]) + (f"/index/{index}" if index else "")
            yield f"dynamodb:{operation}", where
        case "dynamodb", _ if operation in BATCH_OPERATIONS:
            for name in parameters["RequestItems"]:
                yield f"dynamodb:{operation}", table(name)
        case "dynamodb", "TransactWriteItems" | "TransactGetItems":
            for item in parameters["TransactItems"]:
                ((kind, step),) = item.items()
                yield f"dynamodb:{TRANSACTION_ACTIONS[kind]}", table(step["TableName"])
        case "sesv2", "SendEmail":
            yield "ses:SendEmail", "identity"
            if "Raw" in parameters["Content"]:
                yield "ses:SendRawEmail", "identity"
        case "ssm", "GetParameter":
            yield "ssm:GetParameter", parameter_resource(parameters["Name"])
        case _:
            raise UnknownCall(f"Add the permissions for {service} {operation} to permissions.py.")


def parameter_resource(name: str) -> str:
    """Return the resource of an SSM parameter such as /tenantry/prod/public-url."""
    return "parameter/" + name.rsplit("/", 1)[1]


def permissions_in_policy(
    function: str, statements: Iterable[Mapping[str, Any]]
) -> set[Permission]:
    """Return what a policy grants, except the statements that only the Lambda runtime uses."""
    return {
        Permission(function, action, _resource(statement["Resource"]))
        for statement in statements
        if statement["Sid"] not in RUNTIME_SIDS
        for action in statement["Action"]
    }


RUNTIME_SIDS = frozenset({"Logs", "Traces", "Failures"})


def _resource(resource: Mapping[str, Any]) -> str:
    """Convert a policy's resource to the format that `Permission` uses."""
    match resource:
        case {"Fn::GetAtt": [logical_id, "Arn"]}:
            return "table/" + _noun(logical_id)
        case {"Fn::Sub": text} if text.startswith("${"):
            logical_id, _, index = text.removeprefix("${").partition(".Arn}/index/")
            return f"table/{_noun(logical_id)}/index/{index}"
        case {"Fn::Sub": text} if ":parameter/" in text:
            return parameter_resource(text)
        case {"Fn::Sub": text} if ":identity/" in text:
            return "identity"
    raise ValueError(f"policies.py does not write a resource like {resource}.")


def _noun(logical_id: str) -> str:
    """Return a table's noun: `stripe-events` for StripeEventsTable."""
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in logical_id)
    return words.removeprefix("-").removesuffix("-table")


def logical_id(noun: str) -> str:
    return "".join(word.capitalize() for word in noun.split("-")) + "Table"
