"""moto without the road to it: no signing, no HTTP, no JSON there and back.

The same engine evaluates the same conditions; a call that it refuses is made again the long
way, so that the refusal is what botocore makes of it. For tests that make tens of thousands of
calls.
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

from infra.local.aws import REGION


@contextmanager
def fast_moto() -> Iterator[None]:
    long_way = Connection._make_api_call

    def short_cut(
        self: Any, operation_name: str, operation_kwargs: dict[str, Any], **more: Any
    ) -> Any:
        handler = DynamoHandler()
        handler.region = REGION
        handler.current_account = DEFAULT_ACCOUNT_ID
        handler.headers = {}
        handler.response_headers = {}
        handler.body = handler.params = operation_kwargs
        try:
            return getattr(handler, xform_name(operation_name))().result
        except (ServiceException, HTTPException):
            return long_way(self, operation_name, operation_kwargs, **more)

    Connection._make_api_call = short_cut  # type: ignore[method-assign]
    try:
        yield
    finally:
        Connection._make_api_call = long_way  # type: ignore[method-assign]
