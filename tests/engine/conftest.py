"""Real tables on a real engine, empty for each test. `make test-engine` runs these."""

import os
from collections.abc import Iterator

import boto3
import pytest

from chalicelib.services.settings import platform_settings
from chalicelib.storage import rows
from chalicelib.storage.rows import Row
from infra.local.aws import create_tables, table_definitions
from tests.engine.dynamodb_local import NotHere, dynamodb_local


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    try:
        with dynamodb_local() as url:
            yield url
    except NotHere as missing:
        pytest.skip(str(missing))


@pytest.fixture
def tables(engine: str) -> Iterator[None]:
    """In place of moto's: the same tables, made anew."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = engine
    _connect_anew()
    create_tables()
    platform_settings.clear_cache()
    yield
    client = boto3.client("dynamodb")
    for definition in table_definitions():
        client.delete_table(TableName=definition["TableName"])
    client.close()
    del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
    _connect_anew()


def _connect_anew() -> None:
    rows.connection.cache_clear()
    for model in Row.__subclasses__():
        model._connection = None
