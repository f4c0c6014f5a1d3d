"""Run the service as a separate process."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start_service(port: int, module: str = "infra.local.run") -> subprocess.Popen[str]:
    """Start the service the way `make run` does, without the tests' environment variables."""
    removed = ("STRIPE_", "AWS_", "PUBLIC_URL", "STAGE", "TABLE_PREFIX")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(removed)}
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**environment, "PORT": str(port)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_address(service: subprocess.Popen[str]) -> str:
    """Return the URL that the service prints when it is ready."""
    assert service.stdout is not None
    for line in service.stdout:
        if found := re.search(r"running at (http://\S+)", line):
            return found[1]
    assert service.stderr is not None
    raise AssertionError(service.stderr.read())
