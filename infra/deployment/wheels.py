"""Download the pinned requirements as wheels that Lambda can load, cached in build/wheels/."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from infra.deployment.inventory import ARCHITECTURES, BUILD, ROOT, RUNTIME

REQUIREMENTS = ROOT / "requirements.txt"

# The glibc version (2.x) of the runtime's Amazon Linux. Wheels built for an older one work too.
GLIBC = {"python3.11": 26}
GLIBC_SINCE_3_12 = 34
OLDEST_GLIBC = 17


def download_wheels(architecture: str) -> list[Path]:
    """Return the wheels for an architecture, and download those that are not cached.

    Raises CalledProcessError if pip fails; pip prints the reason.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = BUILD / "wheels" / f"{RUNTIME}-{architecture}-{digest}"
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        _download(architecture, partial)
        partial.rename(folder)
    return sorted(folder.glob("*.whl"))


def _download(architecture: str, folder: Path) -> None:
    newest = GLIBC.get(RUNTIME, GLIBC_SINCE_3_12)
    machine = ARCHITECTURES[architecture]
    platforms = [
        *(f"manylinux_2_{minor}_{machine}" for minor in range(newest, OLDEST_GLIBC - 1, -1)),
        f"manylinux2014_{machine}",
    ]
    version = RUNTIME.removeprefix("python")
    subprocess.run(  # noqa: S603 - fixed arguments
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--dest", str(folder)),
            *("--implementation", "cp", "--python-version", version),
            *(f"--abi={abi}" for abi in (f"cp{version.replace('.', '')}", "abi3", "none")),
            *(f"--platform={platform}" for platform in platforms),
            *("--requirement", str(REQUIREMENTS)),
        ],
        check=True,
    )
