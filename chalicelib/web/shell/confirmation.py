"""Confirmations of actions that are hard to undo.

A dialog asks for them. Without JavaScript, the link that opens the dialog leads to a page instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalice.app import Response

from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.page_context import PageContext


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The question, the consequences, the path to post to, and the button's label."""

    question: str
    text: str
    path: str
    label: str


def show_confirmation(
    page: PageContext,
    confirmation: Confirmation,
    *,
    nav: MenuEntry,
    cancel: str,
    facts: Sequence[tuple[str, str]] = (),
) -> Response:
    """Render the page. `cancel` is the path to return to."""
    return page.render(
        "confirm.html",
        title=confirmation.question,
        nav_current=nav,
        confirmation=confirmation,
        facts=facts,
        cancel=cancel,
    )
