"""Every call to AWS or Stripe that a route, a page, or a form action makes can fail.

The response is then a 503 or a 502, or the normal one if the request doesn't depend on the call.
Nothing is half done, and nothing that was done is reported as failed. A new route, page, or call is
tested without being listed here.
"""

import pytest

import app  # noqa: F401 - declares every route
from chalicelib.api.declarations import ROUTES, Route
from chalicelib.web.shell.routing import PAGES, PageRoute
from tests.support.examples import World, example
from tests.support.outages import Outages
from tests.support.page_examples import page_example
from tests.support.trials import Trial

KEY = "a-key-of-the-client"
POSTS = [route for route in ROUTES if route.method == "POST"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_survives_the_failure_of_each_call(
    world: World, outages: Outages, route: Route
) -> None:
    request = example(world, route)
    key = KEY if route.method == "POST" else None
    survive(Trial(world.stripe, outages, lambda: request.send(key=key)))


@pytest.mark.parametrize("route", POSTS, ids=lambda route: route.path)
def test_a_request_without_a_key_is_not_told_that_it_failed_if_it_was_done(
    world: World, outages: Outages, route: Route
) -> None:
    request = example(world, route)
    survive(Trial(world.stripe, outages, request.send, has_key=False))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_a_page_survives_the_failure_of_each_call(
    world: World, outages: Outages, page: PageRoute
) -> None:
    survive(Trial(world.stripe, outages, page_example(world, page).send))


def survive(trial: Trial) -> None:
    problems = trial.problems()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
