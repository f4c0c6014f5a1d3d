"""The layout of the reseller pages."""

from typing import Any

from chalice.app import Response

from chalicelib.web.shell.page_context import PageContext


def render(page: PageContext, template: str, *, title: str, nav: str, **context: Any) -> Response:
    """Render a template from templates/reseller. `nav` is the menu entry to highlight."""
    return page.render(
        f"reseller/{template}.html",
        title=title,
        nav_current=f"reseller/{nav}",
        **{"reseller": page.reseller, **context},
    )
