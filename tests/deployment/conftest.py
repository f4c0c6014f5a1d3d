"""Fixtures that build the packages for all stages once and share them among test processes."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.deployment.inventory import ARCHITECTURE, ARCHITECTURES, STAGES
from infra.deployment.package import archive, package, read_template
from tests.deployment.sam import transform


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder shared by all processes of this test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(request.config, "workerinput") else base


@pytest.fixture(scope="session")
def archives(shared: Path) -> dict[str, tuple[Path, dict[str, int]]]:
    """Map each architecture to its archive and the size of each dependency."""
    built = {}
    for architecture in ARCHITECTURES:
        sizes = shared / f"{architecture}.json"
        with locked(shared / f"{architecture}.lock"):
            if not sizes.exists():
                path, size_by_name = archive(architecture, shared)
                sizes.write_text(json.dumps([str(path), size_by_name]))
        path_text, size_by_name = json.loads(sizes.read_text())
        built[architecture] = (Path(path_text), size_by_name)
    return built


@pytest.fixture(scope="session")
def packages(shared: Path, archives: dict[str, tuple[Path, dict[str, int]]]) -> dict[str, Path]:
    """Map each stage to the folder with its template and archive."""
    with locked(shared / "packages.lock"):
        for stage in STAGES:
            if not (shared / stage / "done").exists():
                package(stage, archives[ARCHITECTURE][0], shared)
                (shared / stage / "done").touch()
    return {stage: shared / stage for stage in STAGES}


@pytest.fixture(scope="session", params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="session")
def transformed(packages: dict[str, Path], stage: str) -> dict[str, Any]:
    """The stage's template after the SAM transform. Tests must not modify it."""
    return transform_once(packages[stage])


@cache
def transform_once(package: Path) -> dict[str, Any]:
    return transform(read_template(package))
