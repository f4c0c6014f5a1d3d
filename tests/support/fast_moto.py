"""Call moto's DynamoDB directly, without signing, HTTP, or JSON, in tests that make many calls.

moto's engine still evaluates all conditions. A call that it rejects is repeated through botocore,
so that tests see the error that botocore raises.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import xform_name
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.responses import DynamoHandler
from pynamodb.connection.base import Connection
from werkzeug.exceptions import HTTPException

from chalicelib.storage.connection import connection
from infra.local.aws import REGION


@contextmanager
def fast_moto() -> Iterator[None]:
    pynamodb_call = Connection._make_api_call
    client: Any = connection().client
    client_call = client._make_api_call

    def fast_pynamodb_call(
        self: Any, operation_name: str, operation_kwargs: dict[str, Any], **more: Any
    ) -> Any:
        try:
            return execute(operation_name, operation_kwargs)
        except (ServiceException, HTTPException):
            return pynamodb_call(self, operation_name, operation_kwargs, **more)

    def fast_client_call(operation_name: str, parameters: dict[str, Any]) -> Any:
        try:
            return execute(operation_name, parameters)
        except (ServiceException, HTTPException):
            return client_call(operation_name, parameters)

    Connection._make_api_call = fast_pynamodb_call  # type: ignore[method-assign]
    client._make_api_call = fast_client_call
    try:
        yield
    finally:
        Connection._make_api_call = pynamodb_call  # type: ignore[method-assign]
        client._make_api_call = client_call


def execute(operation_name: str, parameters: dict[str, Any]) -> Any:
    handler = DynamoHandler()
    handler.region = REGION
    handler.current_account = DEFAULT_ACCOUNT_ID
    handler.headers = {}
    handler.response_headers = {}
    handler.body = handler.params = parameters
    return getattr(handler, xform_name(operation_name))().result
