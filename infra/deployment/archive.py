"""The deployment archive: our code, Chalice's runtime and the wheels, compiled; the same
bytes for the same input."""

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import chalice
from chalice import app as chalice_app

from infra.deployment.inventory import BUILD, ROOT, RUNTIME
from infra.deployment.wheels import wheels

LAMBDA_ROOT = "/var/task"
BUDGET_BYTES = 60 * 1024 * 1024  # unzipped, without the AWS SDK

# The SDK that was tested is the SDK that runs, so it is inside; but of its descriptions of
# four hundred services, only those of the services that we call.
SDK = frozenset({"boto3", "botocore", "s3transfer", "jmespath"})
SDK_SERVICES = frozenset({"dynamodb", "ssm", "sesv2"})

LEFT_OUT_FOLDERS = frozenset({"tests", "test", "testing", "__pycache__", "examples"})
LEFT_OUT_SUFFIXES = (".pyi", ".pyc", ".c", ".h", ".md", ".swp", "~")
LEFT_OUT_OF_DIST_INFO = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can tell


class TooLarge(RuntimeError):
    """The archive is over its budget."""


def build_archive(architecture: str, target: Path, kept: Path = BUILD) -> dict[str, int]:
    """Write `target`; what is in it, in bytes unzipped per dependency, largest first.

    Dependencies change seldom: they are unpacked, compiled and zipped once, and kept below
    `kept`. Raises TooLarge.
    """
    dependencies = _dependencies(architecture, kept)
    ours = target.with_name(f"{target.name}.ours")
    shutil.rmtree(ours, ignore_errors=True)
    owners = _copy_ours(ours)
    _compile(ours)
    owners |= json.loads(_owners_file(dependencies).read_text())
    added = _files(ours)
    sizes = _sizes(_files(dependencies) | added, owners)
    shutil.copyfile(_zip_file(dependencies), target)
    _zip(added, target)
    shutil.rmtree(ours)
    check_budget(sizes)
    return sizes


def check_budget(sizes: dict[str, int]) -> None:
    """Raises TooLarge."""
    counted = sum(size for name, size in sizes.items() if name not in SDK)
    if counted > BUDGET_BYTES:
        raise TooLarge(f"{counted:,} bytes without the AWS SDK; the budget is {BUDGET_BYTES:,}.")


def sha256(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _dependencies(architecture: str, kept: Path) -> Path:
    """The wheels as they lie in the archive, compiled; whose each file is stands beside it."""
    found = wheels(architecture)
    recipe = "\n".join([Path(__file__).read_text(), *(wheel.name for wheel in found)])
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    tree = kept / "dependencies" / f"{RUNTIME}-{architecture}-{digest}"
    if not tree.exists():
        partial = tree.with_name(f"{tree.name}.{os.getpid()}")
        owners = _unpack_wheels(found, partial)
        _compile(partial)
        _owners_file(tree).write_text(json.dumps(owners))
        _zip_file(partial).unlink(missing_ok=True)
        _zip(_files(partial), _zip_file(partial))
        _zip_file(partial).rename(_zip_file(tree))
        partial.rename(tree)
    return tree


def _owners_file(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.json")


def _zip_file(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.zip")


def _files(tree: Path) -> dict[str, Path]:
    return {str(path.relative_to(tree)): path for path in tree.rglob("*") if path.is_file()}


def _unpack_wheels(found: list[Path], tree: Path) -> dict[str, str]:
    """Whose each file is. A wheel is a zip of what is to lie in the path."""
    owners = {}
    for wheel in found:
        distribution = wheel.name.split("-")[0]
        with zipfile.ZipFile(wheel) as content:
            for name in content.namelist():
                if name.endswith("/") or not _is_needed(Path(name)):
                    continue
                content.extract(name, tree)
                owners[name] = distribution
    return owners


def _is_needed(path: Path) -> bool:
    folders = path.parts[:-1]
    if folders and (folders[0].endswith(".data") or LEFT_OUT_FOLDERS & set(folders)):
        return False
    if folders and folders[0].endswith(".dist-info"):
        return path.name not in LEFT_OUT_OF_DIST_INFO
    if folders[:2] == ("botocore", "data") and len(folders) > 2:
        return folders[2] in SDK_SERVICES
    return not path.name.endswith(LEFT_OUT_SUFFIXES)


def _copy_ours(tree: Path) -> dict[str, str]:
    """app.py, chalicelib/ and the two files of Chalice that run on Lambda."""
    runtime = {"chalice/__init__.py": chalice, "chalice/app.py": chalice_app}
    sources = {name: Path(inspect.getfile(module)) for name, module in runtime.items()}
    sources |= {str(path.relative_to(ROOT)): path for path in _our_files()}
    for name, source in sources.items():
        destination = tree / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)
    return {name: "chalice" if name in runtime else "tenantry" for name in sources}


def _our_files() -> Iterator[Path]:
    yield ROOT / "app.py"
    for path in sorted((ROOT / "chalicelib").rglob("*")):
        if path.is_file() and _is_needed(path.relative_to(ROOT)):
            yield path


def _compile(tree: Path) -> None:
    """Lambda's code is read-only and its files' times are not ours: bytecode that is checked
    against them would be compiled again at every cold start.

    What bytecode looks like depends a little on what the compiler did before: so one process
    compiles all of it, and does nothing else. Raises CalledProcessError.
    """
    subprocess.run(  # noqa: S603 - our own arguments
        [
            *(sys.executable, "-s", "-S", "-m", "compileall", "-q", "-j", "1"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", str(tree), "-p", LAMBDA_ROOT, str(tree)),
        ],
        check=True,
        env={"PYTHONHASHSEED": "0"},
    )


def _sizes(files: dict[str, Path], owners: dict[str, str]) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for name, path in files.items():
        source = Path(name)
        if source.suffix == ".pyc":
            source = source.parents[1] / f"{source.name.split('.')[0]}.py"
        sizes[owners[str(source)]] += path.stat().st_size
    return dict(sizes.most_common())


def _zip(files: dict[str, Path], target: Path) -> None:
    """Add to `target`, or make it."""
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.suffix == ".so" else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
