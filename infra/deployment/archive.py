"""The deployment archive: our code, Chalice's runtime and the wheels, compiled; the same
bytes for the same input."""

import compileall
import hashlib
import inspect
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

import chalice
from chalice import app as chalice_app

from infra.deployment.places import ROOT
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


def build_archive(architecture: str, target: Path) -> dict[str, int]:
    """Write `target`; what is in it, in bytes unzipped per dependency, largest first.

    Raises TooLarge.
    """
    tree = target.with_suffix("")
    shutil.rmtree(tree, ignore_errors=True)
    owners = {**_unpack_wheels(architecture, tree), **_copy_ours(tree)}
    _compile(tree)
    sizes = _sizes(tree, owners)
    _zip(tree, target)
    shutil.rmtree(tree)
    counted = sum(size for name, size in sizes.items() if name not in SDK)
    if counted > BUDGET_BYTES:
        raise TooLarge(f"{counted:,} bytes without the AWS SDK; the budget is {BUDGET_BYTES:,}.")
    return sizes


def sha256(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _unpack_wheels(architecture: str, tree: Path) -> dict[str, str]:
    """Whose each file is. A wheel is a zip of what is to lie in the path."""
    owners = {}
    for wheel in wheels(architecture):
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
    against them would be compiled again at every cold start."""
    done = compileall.compile_dir(
        tree,
        quiet=2,
        workers=os.cpu_count() or 1,
        stripdir=str(tree),
        prependdir=LAMBDA_ROOT,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise RuntimeError("Some module could not be compiled.")


def _sizes(tree: Path, owners: dict[str, str]) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for path in tree.rglob("*"):
        if not path.is_file():
            continue
        source = path
        if path.suffix == ".pyc":
            source = path.parents[1] / f"{path.name.split('.')[0]}.py"
        sizes[owners[str(source.relative_to(tree))]] += path.stat().st_size
    return dict(sizes.most_common())


def _zip(tree: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(tree.rglob("*")):
            if not path.is_file():
                continue
            entry = zipfile.ZipInfo(str(path.relative_to(tree)), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.suffix == ".so" else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
