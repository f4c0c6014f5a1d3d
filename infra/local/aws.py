"""Run AWS locally: moto in this process, optionally with an external DynamoDB, and our tables."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import yaml

RESOURCES = Path(__file__).parents[1] / "resources.yaml"
REGION = "us-east-1"

# Local defaults for the environment variables that the service reads.
ENVIRONMENT = {
    "STAGE": "dev",
    "TABLE_PREFIX": "tenantry-dev",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "STRIPE_SECRET_KEY": "sk_test_simulator",
    "STRIPE_WEBHOOK_SECRET": "whsec_simulator",
    "MAIL_FROM": "licenses@example.com",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}


def set_environment(changes: Mapping[str, str] | None = None) -> None:
    """Set each variable that is not set yet. `changes` override the local defaults."""
    for name, value in {**ENVIRONMENT, **(changes or {})}.items():
        os.environ.setdefault(name, value)


@contextmanager
def local_aws() -> Iterator[None]:
    """Mock AWS with moto. DynamoDB calls go to AWS_ENDPOINT_URL_DYNAMODB instead if it is set."""
    from moto import mock_aws

    if "AWS_ENDPOINT_URL_DYNAMODB" in os.environ:
        core: Any = {"mock_credentials": False, "passthrough": {"services": ["dynamodb"]}}
        with mock_aws(config={"core": core}):
            _verify_sender()
            yield
        return
    with mock_aws(), serialized_calls():
        _verify_sender()
        yield


def _verify_sender() -> None:
    """Verify the sender's address, since SES sends only from verified identities."""
    client = boto3.client("sesv2", region_name=os.environ["AWS_DEFAULT_REGION"])
    client.create_email_identity(EmailIdentity=os.environ["MAIL_FROM"])


@contextmanager
def serialized_calls() -> Iterator[None]:
    """Let only one AWS call run at a time.

    moto rolls a transaction back by restoring a copy of the tables, which would discard the
    writes of any request that ran concurrently.
    """
    lock = threading.RLock()
    make_api_call = botocore.client.BaseClient._make_api_call

    def serialized(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        with lock:
            return make_api_call(self, operation_name, api_params)

    botocore.client.BaseClient._make_api_call = serialized
    try:
        yield
    finally:
        botocore.client.BaseClient._make_api_call = make_api_call


def create_tables() -> None:
    """Create every table in resources.yaml that does not exist yet."""
    client = boto3.client("dynamodb", region_name=os.environ["AWS_DEFAULT_REGION"])
    existing = set(client.list_tables()["TableNames"])
    for definition in table_definitions():
        if definition["TableName"] in existing:
            continue
        ttl = definition.pop("TimeToLiveSpecification", None)
        client.create_table(**definition)
        if ttl:
            client.update_time_to_live(
                TableName=definition["TableName"], TimeToLiveSpecification=ttl
            )


def table_definitions() -> list[dict[str, Any]]:
    """Return the tables in resources.yaml as CreateTable parameters, named for this stage."""
    properties = (
        "TableName",
        "BillingMode",
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "TimeToLiveSpecification",
    )
    stage = os.environ["STAGE"]
    return [
        {
            name: value.replace("${Stage}", stage) if name == "TableName" else value
            for name, value in resource["Properties"].items()
            if name in properties
        }
        for resource in table_resources().values()
    ]


def table_resources() -> dict[str, dict[str, Any]]:
    """Return the tables in resources.yaml by logical ID, with intrinsic functions as text."""
    return {
        logical_id: resource
        for logical_id, resource in _template()["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


class _CloudFormationLoader(yaml.SafeLoader):
    """Replace each intrinsic function with its argument, so `!Sub text` reads as `text`."""


def _read_argument(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has no other kind of node
    return loader.construct_mapping(node, deep=True)


_CloudFormationLoader.add_multi_constructor("!", _read_argument)


@cache
def _template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(RESOURCES.read_text(), _CloudFormationLoader)  # noqa: S506
    return loaded
