"""/docs and /docs/objects: the API for people, made from the OpenAPI document."""

from chalice.app import Response

from chalicelib.api.routing import Audience
from chalicelib.settings import settings
from chalicelib.web.docs.reference import reference
from chalicelib.web.shell.routing import PageContext, Pages

pages = Pages(__name__)


@pages.page("GET", "/docs", audience=Audience.PUBLIC)
def show_routes(visit: PageContext) -> Response:
    base_url = settings().public_url
    return visit.render("docs/routes.html", title="API", base_url=base_url, reference=reference())


@pages.page("GET", "/docs/objects", audience=Audience.PUBLIC)
def show_objects(visit: PageContext) -> Response:
    return visit.render("docs/objects.html", title="Objects of the API", reference=reference())
