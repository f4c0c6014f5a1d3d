"""`make run` and `make walkthrough`, run as two processes as the README describes."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.processes import ROOT, start_service, wait_for_address

TIMEOUT_SECONDS = 60


@pytest.fixture(scope="module")
def service() -> Iterator[subprocess.Popen[str]]:
    process = start_service(port=0)
    yield process
    process.kill()
    process.communicate()


def test_the_walkthrough_completes(service: subprocess.Popen[str]) -> None:
    walkthrough = subprocess.run(
        [sys.executable, "-m", "infra.local.walkthrough", wait_for_address(service)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert walkthrough.returncode == 0, walkthrough.stdout + walkthrough.stderr

    service.send_signal(signal.SIGINT)
    assert service.wait(TIMEOUT_SECONDS) == 0


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start_service(port=taken.getsockname()[1])
        _, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 1
    assert "is already taken" in errors


def test_the_walkthrough_fails_if_the_service_is_not_running() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    walkthrough = subprocess.run(
        [sys.executable, "-m", "infra.local.walkthrough", f"http://127.0.0.1:{port}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert walkthrough.returncode == 1
    assert "make run" in walkthrough.stderr
