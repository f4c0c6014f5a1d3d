"""Tables on DynamoDB Local, empty for each test. Run these tests with `make test-engine`."""

import os
from collections.abc import Iterator

import boto3
import pytest

from chalicelib.storage import caches
from chalicelib.storage.connection import connection
from chalicelib.storage.rows import Row
from infra.local.aws import create_tables, table_definitions
from tests.engine.dynamodb_local import EngineUnavailable, dynamodb_local


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    try:
        with dynamodb_local() as url:
            yield url
    except EngineUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def tables(engine: str) -> Iterator[None]:
    """Create the tables that other tests create in moto, but in DynamoDB Local."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = engine
    _reconnect()
    create_tables()
    caches.clear()
    yield
    client = boto3.client("dynamodb")
    for definition in table_definitions():
        client.delete_table(TableName=definition["TableName"])
    client.close()
    del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
    _reconnect()


def _reconnect() -> None:
    connection.cache_clear()
    for model in Row.__subclasses__():
        model._connection = None
