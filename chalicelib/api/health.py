"""Health check for load balancers and monitors."""

from typing import Literal

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Output
from chalicelib.http.requests import Call, Empty

routes = Routes(__name__)


class Health(Output):
    status: Literal["ok"]


@routes.get("/health", Audience.PUBLIC, Scope.READ, returns=Health)
def read_health(_call: Call[Empty]) -> Health:
    """Check that the service responds.

    The response does not depend on the database.
    """
    return Health(status="ok")
