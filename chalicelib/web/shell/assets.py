"""Static files (stylesheet, script, icon), which browsers cache for a year, and the brand's CSS."""

from http import HTTPStatus

from chalice.app import Blueprint, Response

from chalicelib.http import headers, requests
from chalicelib.web.shell.rendering import WEB
from chalicelib.web.shell.routing import Audience, PageContext, Pages
from chalicelib.web.shell.theme import PageTheme, theme_stylesheet

assets = Blueprint(__name__)
pages = Pages(__name__)

TYPES = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}


@assets.route("/static/{name}", methods=["GET"], content_types=[])
def static_file(name: str) -> Response:
    """Serve a static file. The request selects one by name and never supplies a path."""
    shared = {**headers.for_pages(), "X-Request-Id": requests.request_id(assets.current_request)}
    if name not in TYPES:
        plain = {**shared, "Content-Type": "text/plain; charset=utf-8"}
        return Response("There is no such file.", plain, HTTPStatus.NOT_FOUND)
    own = {"Content-Type": TYPES[name], "Cache-Control": "public, max-age=31536000, immutable"}
    text = (WEB / "static" / name).read_text()
    return Response(text, {**shared, **own}, HTTPStatus.OK)


@pages.page("GET", "/brand.css", audience=Audience.PUBLIC)
def brand_css(page: PageContext) -> Response:
    theme = PageTheme.of(page.host, page.query("reseller"), page.query("tenant"))
    return theme_stylesheet(theme, page.query("v"))
