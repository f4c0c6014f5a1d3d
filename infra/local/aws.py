"""AWS on one machine: moto in this process, or a DynamoDB elsewhere, with our own tables."""

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

# What the service needs to find in its environment, for a machine that is nobody's cloud.
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
    """What is not set gets its local value."""
    for name, value in {**ENVIRONMENT, **(changes or {})}.items():
        os.environ.setdefault(name, value)


@contextmanager
def local_aws() -> Iterator[None]:
    """AWS is moto while this lasts; but DynamoDB is AWS_ENDPOINT_URL_DYNAMODB's, where set."""
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
    """SES sends only from addresses that are known to be the account's."""
    client = boto3.client("sesv2", region_name=os.environ["AWS_DEFAULT_REGION"])
    client.create_email_identity(EmailIdentity=os.environ["MAIL_FROM"])


@contextmanager
def serialized_calls() -> Iterator[None]:
    """moto rolls a transaction back by restoring a copy of the tables: a request that runs
    beside it would be lost. Its calls take turns, therefore."""
    lock = threading.RLock()
    make_api_call = botocore.client.BaseClient._make_api_call

    def in_turn(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        with lock:
            return make_api_call(self, operation_name, api_params)

    botocore.client.BaseClient._make_api_call = in_turn
    try:
        yield
    finally:
        botocore.client.BaseClient._make_api_call = make_api_call


def create_tables() -> None:
    """Make every table of resources.yaml that is not there yet."""
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
    """The tables of resources.yaml as CreateTable wants them, named for this stage."""
    kept = (
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
            if name in kept
        }
        for resource in _template()["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    ]


class _CloudFormationLoader(yaml.SafeLoader):
    """Reads `!Sub text` as the text and any other intrinsic function as what it is given."""


def _intrinsic(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has no fourth kind
    return loader.construct_mapping(node, deep=True)


_CloudFormationLoader.add_multi_constructor("!", _intrinsic)


@cache
def _template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(RESOURCES.read_text(), _CloudFormationLoader)  # noqa: S506
    return loaded
