"""/docs and /docs/objects: the API reference, generated from the OpenAPI document."""

from chalice.app import Response

from chalicelib.api.declarations import Audience
from chalicelib.settings import settings
from chalicelib.web.docs.reference import reference
from chalicelib.web.shell.routing import PageContext, Pages

pages = Pages(__name__)


@pages.page("GET", "/docs", audience=Audience.PUBLIC)
def show_routes(page: PageContext) -> Response:
    base_url = settings().public_url
    return page.render("docs/routes.html", title="API", base_url=base_url, reference=reference())


@pages.page("GET", "/docs/objects", audience=Audience.PUBLIC)
def show_objects(page: PageContext) -> Response:
    return page.render("docs/objects.html", title="Objects of the API", reference=reference())
