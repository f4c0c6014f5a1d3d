"""What the reseller's pages share: their frame."""

from typing import Any

from chalice.app import Response

from chalicelib.web.shell.page_context import PageContext


def render(visit: PageContext, page: str, *, title: str, nav: str, **context: Any) -> Response:
    """A page of the reseller's area. nav: the entry of the menu that it belongs to."""
    return visit.render(
        f"reseller/{page}.html",
        title=title,
        nav_current=f"reseller/{nav}",
        **{"reseller": visit.reseller, **context},
    )
