"""Every page passes its template every variable that the template reads, used or not.

Templates refuse undefined values, so a variable that is missing in a state that no test shows would
be an internal error. New pages join by themselves.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from app import app
from chalicelib.web.shell import csrf, page_context, rendering, routing
from chalicelib.web.shell.routing import ERROR_PAGES, PAGES
from tests.support import templates
from tests.support.callers import stub_handlers
from tests.support.examples import World, page_path
from tests.support.page_client import PageClient

SESSION = "__Host-session"


class Contexts:
    """The templates that were rendered, and the variables that they were not given."""

    def __init__(self, render: Callable[[str, dict[str, Any]], str]) -> None:
        self.rendered: set[str] = set()
        self.missing: dict[str, set[str]] = {}
        self._render = render

    def render(self, template: str, context: dict[str, Any]) -> str:
        self.rendered.add(template)
        missing = templates.variables(template) - context.keys()
        if missing:
            self.missing.setdefault(template, set()).update(missing)
        return self._render(template, context)


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> Contexts:
    contexts = Contexts(rendering.render)
    monkeypatch.setattr(page_context, "render", contexts.render)
    return contexts


def client_for(token: object) -> PageClient:
    client = PageClient(app)
    if token is not None:
        client.cookies[SESSION] = str(token)
    return client


def test_every_page_passes_every_variable(world: World, contexts: Contexts) -> None:
    people = (world.people.admin.api.token, world.reseller.api.token, None)
    paths = [page_path(world, page.path) for page in PAGES if page.method == "GET"]
    paths += [f"/password?token={world.password_link()}", "/password?token=lnk_no.no"]
    paths += [f"/admin/purchases/{world.purchase(paid=True)}/refund?licenses=1&reason=Because"]
    for path in paths:
        statuses = {client_for(token).get(path).status for token in people}
        assert max(statuses) < 500, path
    assert contexts.missing == {}
    assert contexts.rendered | set(ERROR_PAGES.values()) == templates.pages()


@pytest.mark.parametrize("status", sorted(ERROR_PAGES))
def test_every_error_page_passes_every_variable(
    world: World, contexts: Contexts, monkeypatch: pytest.MonkeyPatch, status: HTTPStatus
) -> None:
    monkeypatch.setattr(routing, "problem", lambda _error: (status, {}, {}))
    people = (world.people.admin.api.token, world.reseller.api.token, None)
    with stub_handlers(PAGES, "show"):
        for client in map(client_for, people):
            assert client.get("/login").status == status
            token = csrf.token_of(client.cookies.get(SESSION, ""))
            assert client.post("/login", [("csrf_token", token)]).status == status
    assert contexts.missing == {}
    assert contexts.rendered == {ERROR_PAGES[status]}
