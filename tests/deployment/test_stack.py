"""The packaged template as a stack in moto, with the same tables that the other tests use."""

import json
from ast import literal_eval
from typing import Any

import boto3
import pytest

from infra.local.aws import table_definitions
from tests.deployment.sam import Template, of_type, resolved

# Differs from the region that holds the tests' tables, because moto has one state per process.
REGION = "eu-central-1"

CREATED = (
    "AWS::DynamoDB::Table",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::IAM::Role",
)


@pytest.fixture
def stack(aws: None, transformed: Template, stage: str) -> dict[str, str]:
    """Create the stack without its functions, because moto would need Docker for them.

    Return the stack's physical IDs, keyed by logical ID.
    """
    kept = {
        name: {key: value for key, value in resource.items() if key != "Condition"}
        for name, resource in transformed["Resources"].items()
        if resource["Type"] in CREATED
    }
    template = {
        **{k: v for k, v in transformed.items() if k in ("Parameters", "Conditions")},
        "Resources": kept,
    }
    client = boto3.client("cloudformation", region_name=REGION)
    name = f"tenantry-{stage}"
    if name not in {s["StackName"] for s in client.describe_stacks()["Stacks"]}:
        client.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
    resources = client.describe_stack_resources(StackName=name)["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}


def test_the_stack_has_the_tables_that_the_tests_use(
    stack: dict[str, str], stage: str, transformed: Template
) -> None:
    client = boto3.client("dynamodb", region_name=REGION)
    declared = {
        stack[logical_id]: resource["Properties"]
        for logical_id, resource in of_type(transformed, "AWS::DynamoDB::Table").items()
    }
    for definition in table_definitions():
        name = definition["TableName"].replace("tenantry-dev-", f"tenantry-{stage}-")
        table = client.describe_table(TableName=name)["Table"]
        assert table["KeySchema"] == definition["KeySchema"]
        assert indexes(table) == indexes(definition)
        assert table["DeletionProtectionEnabled"] is (stage == "prod")
        # moto ignores the TTL of a stack's tables, so check the template instead.
        ttl = declared[name].get("TimeToLiveSpecification")
        assert ttl == definition.get("TimeToLiveSpecification")


def indexes(table: Any) -> dict[str, Any]:
    return {
        index["IndexName"]: (index["KeySchema"], index["Projection"])
        for index in table.get("GlobalSecondaryIndexes", [])
    }


def test_the_queue_keeps_failures_for_two_weeks(stack: dict[str, str]) -> None:
    client = boto3.client("sqs", region_name=REGION)
    url = stack["FailuresQueue"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert attributes["SqsManagedSseEnabled"] == "true"


def test_the_roles_are_for_lambda_and_grant_access_to_the_tables(
    stack: dict[str, str], transformed: Template
) -> None:
    client = boto3.client("iam", region_name=REGION)
    policies = 0
    for logical_id in of_type(transformed, "AWS::IAM::Role"):
        role = client.get_role(RoleName=stack[logical_id])["Role"]
        services = {
            resolved(statement["Principal"]["Service"], transformed)
            for statement in role["AssumeRolePolicyDocument"]["Statement"]
        }
        assert services <= {"lambda.amazonaws.com", "apigateway.amazonaws.com"}
        for name in client.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            found = client.get_role_policy(RoleName=role["RoleName"], PolicyName=name)
            document = found["PolicyDocument"]
            # moto returns a stack's inline policy as the text of a Python dict.
            document = literal_eval(document) if isinstance(document, str) else document
            for statement in document["Statement"]:
                assert isinstance(statement["Resource"], str), statement
                policies += "dynamodb" in statement["Resource"]
    assert policies
