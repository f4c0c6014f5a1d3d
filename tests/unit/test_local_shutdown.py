"""The local service stops only after scheduled functions and requests have finished."""

import threading
from typing import Any

import pytest
import requests

from infra.local import schedule
from infra.local.gateway import LocalResponse
from infra.local.schedule import Scheduler
from infra.local.server import LocalServer

TIMEOUT_SECONDS = 10


def test_the_scheduler_waits_for_a_running_function(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = Scheduler()
    started, done = threading.Event(), threading.Event()

    def long(_event: Any, _context: None) -> None:
        started.set()
        scheduler._stopping.wait(TIMEOUT_SECONDS)
        done.set()

    monkeypatch.setattr(schedule, "SCHEDULED", {"long": (long, 0)})
    scheduler.start()
    assert started.wait(TIMEOUT_SECONDS)
    scheduler.stop()
    assert done.is_set()


def test_the_server_finishes_open_requests_before_it_stops() -> None:
    started, release = threading.Event(), threading.Event()

    def slow(*_request: Any) -> LocalResponse:
        started.set()
        release.wait(TIMEOUT_SECONDS)
        return LocalResponse(200, [], b"answered")

    server = LocalServer(0, slow)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    replies: list[str] = []
    client = threading.Thread(
        target=lambda: replies.append(requests.get(server.url, timeout=20).text)
    )
    client.start()
    assert started.wait(TIMEOUT_SECONDS)
    stopped = threading.Event()

    def stop() -> None:
        server.stop()
        stopped.set()

    stop_thread = threading.Thread(target=stop)
    stop_thread.start()
    serving.join(TIMEOUT_SECONDS)  # the server accepts no more requests
    assert not stopped.wait(0.3)
    release.set()
    stop_thread.join(TIMEOUT_SECONDS)
    client.join(TIMEOUT_SECONDS)
    assert stopped.is_set()
    assert replies == ["answered"]
