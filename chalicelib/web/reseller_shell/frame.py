"""The layout of the reseller pages."""

from typing import Any

from chalice.app import Response

from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.page_context import PageContext


def render(
    page: PageContext,
    template: str,
    *,
    title: str,
    nav: MenuEntry,
    **context: Any,  # Any: values for the template
) -> Response:
    """Render a template of the reseller pages. `nav` is the menu entry to highlight."""
    return page.render(
        template,
        title=title,
        nav_current=nav,
        **{"reseller": page.reseller, **context},
    )
