"""`make run` and `make walkthrough`, as two processes: what the README tells a newcomer."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


def start(port: int) -> subprocess.Popen[str]:
    """`make run`, with nothing of the tests' own environment that could steer it."""
    steering = ("STRIPE_", "AWS_", "PUBLIC_URL", "STAGE", "TABLE_PREFIX")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(steering)}
    return subprocess.Popen(
        [sys.executable, "-m", "infra.local.run"],
        cwd=ROOT,
        env={**environment, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address(service: subprocess.Popen[str]) -> str:
    """The address that it prints once it answers."""
    assert service.stdout is not None
    for line in service.stdout:
        if found := re.search(r"running at (http://\S+)", line):
            return found[1]
    assert service.stderr is not None
    raise AssertionError(service.stderr.read())


@pytest.fixture(scope="module")
def service() -> Iterator[subprocess.Popen[str]]:
    process = start(port=0)
    yield process
    process.kill()
    process.communicate()


def test_the_guide_from_beginning_to_end(service: subprocess.Popen[str]) -> None:
    walkthrough = subprocess.run(
        [sys.executable, "-m", "infra.local.walkthrough", address(service)],
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
        process = start(port=taken.getsockname()[1])
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
