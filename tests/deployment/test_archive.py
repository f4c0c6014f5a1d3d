"""The contents of the deployment archive."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.deployment.archive import (
    BUDGET_BYTES,
    SDK,
    TooLarge,
    check_budget,
    sha256,
)
from infra.deployment.inventory import ARCHITECTURES, ROOT

Archives = dict[str, tuple[Path, dict[str, int]]]

UNCHECKED_HASH = 1  # PEP 552: hash-based bytecode that is never checked against the source
ELF_MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
FOREIGN = ("pip", "setuptools", "wheel", "chalice/cli", "moto", "pytest", "infra", "tests", "bin")


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def archive(archives: Archives, architecture: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(archives[architecture][0])


def test_the_archive_has_no_development_files(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    stray = [name for name in names if name.startswith(tuple(f"{f}/" for f in FOREIGN))]
    stray += [name for name in names if "/tests/" in name or name.startswith("testing/")]
    assert not stray


def test_the_archive_has_all_of_our_code(archive: zipfile.ZipFile) -> None:
    ours = {
        str(path.relative_to(ROOT))
        for path in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*")]
        if path.is_file() and path.suffix not in (".pyc", ".md")
    }
    assert ours <= set(archive.namelist())


def test_bytecode_is_not_checked_against_the_source(archive: zipfile.ZipFile) -> None:
    """Lambda's file times differ from the build's, so Python would recompile checked bytecode."""
    names = set(archive.namelist())
    tag = sys.implementation.cache_tag
    for name in names:
        if name.endswith(".py"):
            folder, _, module = name.rpartition("/")
            compiled = f"{folder}/__pycache__/{module[:-3]}.{tag}.pyc".lstrip("/")
            assert compiled in names, name
    flags = {archive.read(n)[4:8] for n in names if n.endswith(".pyc")}
    assert flags == {UNCHECKED_HASH.to_bytes(4, "little")}


def test_libraries_match_the_architecture(archive: zipfile.ZipFile, architecture: str) -> None:
    machines = {
        int.from_bytes(archive.read(name)[18:20], "little")
        for name in archive.namelist()
        if name.endswith(".so")
    }
    assert machines == {ELF_MACHINES[architecture]}


def test_the_archive_stays_within_its_budget(archives: Archives, architecture: str) -> None:
    sizes = archives[architecture][1]
    assert sum(size for name, size in sizes.items() if name not in SDK) <= BUDGET_BYTES
    with pytest.raises(TooLarge, match="the budget is"):
        check_budget({**sizes, "something": BUDGET_BYTES})


def test_the_archive_is_reproducible(archives: Archives, tmp_path: Path) -> None:
    """Build from scratch in another process and folder, with a different hash seed."""
    build = (
        "import sys; from pathlib import Path; from infra.deployment.archive import build_archive;"
        "out = Path(sys.argv[1]); build_archive('x86_64', out / 'again.zip', out / 'cache')"
    )
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "1", "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    assert sha256(tmp_path / "again.zip") == sha256(archives["x86_64"][0])
