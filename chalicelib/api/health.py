"""Whether the service answers."""

from typing import Literal

from chalicelib.api.fields import Output
from chalicelib.api.routing import Audience, Call, Empty, Routes, Scope

routes = Routes(__name__)


class Health(Output):
    status: Literal["ok"]


@routes.api(
    "GET", "/health", audience=Audience.PUBLIC, scope=Scope.READ, input=Empty, returns=Health
)
def read_health(_call: Call[Empty]) -> Health:
    """Answers without touching a table: for load balancers and monitors."""
    return Health(status="ok")
