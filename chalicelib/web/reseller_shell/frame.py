"""What the reseller's pages share: their frame."""

from typing import Any

from chalice.app import Response

from chalicelib.web.shell.page_context import PageContext


def render(page: PageContext, template: str, *, title: str, nav: str, **context: Any) -> Response:
    """A page of the reseller's area. nav: the entry of the menu that it belongs to."""
    return page.render(
        f"reseller/{template}.html",
        title=title,
        nav_current=f"reseller/{nav}",
        **{"reseller": page.reseller, **context},
    )
