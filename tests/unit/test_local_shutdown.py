"""The service on one machine ends only when nothing of it runs any more."""

import threading
from typing import Any

import pytest
import requests

from infra.local import schedule
from infra.local.gateway import LocalResponse
from infra.local.schedule import Scheduler
from infra.local.server import LocalServer

PATIENCE_SECONDS = 10


def test_the_clock_waits_for_the_function_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Scheduler()
    entered, done = threading.Event(), threading.Event()

    def long(_event: Any, _context: None) -> None:
        entered.set()
        clock._stopping.wait(PATIENCE_SECONDS)
        done.set()

    monkeypatch.setattr(schedule, "SCHEDULED", {"long": (long, 0)})
    clock.start()
    assert entered.wait(PATIENCE_SECONDS)
    clock.stop()
    assert done.is_set()


def test_the_server_answers_what_was_asked_before_it_stops() -> None:
    entered, stopping = threading.Event(), threading.Event()

    def slow(*_request: Any) -> LocalResponse:
        entered.set()
        stopping.wait(PATIENCE_SECONDS)
        return LocalResponse(200, [], b"answered")

    server = LocalServer(0, slow)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(requests.get(server.url, timeout=20).text))
    asking.start()
    assert entered.wait(PATIENCE_SECONDS)
    stopped = threading.Event()

    def end() -> None:
        server.stop()
        stopped.set()

    ending = threading.Thread(target=end)
    ending.start()
    serving.join(PATIENCE_SECONDS)  # it takes no more requests
    assert not stopped.wait(0.3)
    stopping.set()
    ending.join(PATIENCE_SECONDS)
    asking.join(PATIENCE_SECONDS)
    assert stopped.is_set()
    assert said == ["answered"]
