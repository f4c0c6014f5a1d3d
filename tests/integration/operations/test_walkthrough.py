"""`make run` and `make walkthrough`, as two processes: what the README tells a newcomer."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.processes import ROOT, start_service, wait_for_address

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def service() -> Iterator[subprocess.Popen[str]]:
    process = start_service(port=0)
    yield process
    process.kill()
    process.communicate()


def test_the_guide_from_beginning_to_end(service: subprocess.Popen[str]) -> None:
    walkthrough = subprocess.run(
        [sys.executable, "-m", "infra.local.walkthrough", wait_for_address(service)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert walkthrough.returncode == 0, walkthrough.stdout + walkthrough.stderr

    service.send_signal(signal.SIGINT)
    assert service.wait(PATIENCE_SECONDS) == 0


def test_a_taken_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start_service(port=taken.getsockname()[1])
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "is taken" in said


def test_walkthrough_fails_where_nothing_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    walkthrough = subprocess.run(
        [sys.executable, "-m", "infra.local.walkthrough", f"http://127.0.0.1:{port}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert walkthrough.returncode == 1
    assert "make run" in walkthrough.stderr
