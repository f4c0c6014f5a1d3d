"""Build the deployment archive: our code, Chalice's runtime, and the dependencies, compiled.

The build is reproducible: the same input gives the same bytes.
"""

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
from infra.deployment.wheels import download_wheels

LAMBDA_ROOT = "/var/task"
BUDGET_BYTES = 60 * 1024 * 1024  # unzipped, without the AWS SDK

# The archive includes the AWS SDK, so that the tested version is the one that runs. Of the SDK's
# 400 service descriptions, it includes only those of the services that we call.
SDK = frozenset({"boto3", "botocore", "s3transfer", "jmespath"})
SDK_SERVICES = frozenset({"dynamodb", "ssm", "sesv2"})

EXCLUDED_FOLDERS = frozenset({"tests", "test", "testing", "__pycache__", "examples"})
EXCLUDED_SUFFIXES = (".pyi", ".pyc", ".c", ".h", ".md", ".swp", "~")
EXCLUDED_FROM_DIST_INFO = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a ZIP file can store


class TooLarge(RuntimeError):
    """The archive exceeds its size budget."""


def build_archive(architecture: str, target: Path, cache: Path = BUILD) -> dict[str, int]:
    """Write the archive to `target`.

    Return each dependency's unzipped size in bytes, largest first. Dependencies rarely change, so
    they are unpacked, compiled, and zipped once and cached below `cache`. Raises TooLarge.
    """
    dependencies = _build_dependencies(architecture, cache)
    own_tree = target.with_name(f"{target.name}.own")
    shutil.rmtree(own_tree, ignore_errors=True)
    owners = _copy_own_code(own_tree)
    _compile(own_tree)
    owners |= json.loads(_owners_file(dependencies).read_text())
    own_files = _files(own_tree)
    sizes = _sizes(_files(dependencies) | own_files, owners)
    shutil.copyfile(_zip_file(dependencies), target)
    _zip(own_files, target)
    shutil.rmtree(own_tree)
    check_budget(sizes)
    return sizes


def check_budget(sizes: dict[str, int]) -> None:
    """Raises TooLarge if the archive without the AWS SDK exceeds BUDGET_BYTES."""
    counted = sum(size for name, size in sizes.items() if name not in SDK)
    if counted > BUDGET_BYTES:
        raise TooLarge(f"{counted:,} bytes without the AWS SDK; the budget is {BUDGET_BYTES:,}.")


def sha256(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _build_dependencies(architecture: str, cache: Path) -> Path:
    """Return the folder with the unpacked and compiled dependencies.

    Next to it are their ZIP file and a JSON file that maps each file to its dependency.
    """
    found = download_wheels(architecture)
    recipe = "\n".join([Path(__file__).read_text(), *(wheel.name for wheel in found)])
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    tree = cache / "dependencies" / f"{RUNTIME}-{architecture}-{digest}"
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
    """Unpack the wheels into `tree`. Return each file's distribution name."""
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
    if folders and (folders[0].endswith(".data") or EXCLUDED_FOLDERS & set(folders)):
        return False
    if folders and folders[0].endswith(".dist-info"):
        return path.name not in EXCLUDED_FROM_DIST_INFO
    if folders[:2] == ("botocore", "data") and len(folders) > 2:
        return folders[2] in SDK_SERVICES
    return not path.name.endswith(EXCLUDED_SUFFIXES)


def _copy_own_code(tree: Path) -> dict[str, str]:
    """Copy app.py, chalicelib/, and the two Chalice files that run on Lambda."""
    runtime = {"chalice/__init__.py": chalice, "chalice/app.py": chalice_app}
    sources = {name: Path(inspect.getfile(module)) for name, module in runtime.items()}
    sources |= {str(path.relative_to(ROOT)): path for path in _own_files()}
    for name, source in sources.items():
        destination = tree / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)
    return {name: "chalice" if name in runtime else "tenantry" for name in sources}


def _own_files() -> Iterator[Path]:
    yield ROOT / "app.py"
    for path in sorted((ROOT / "chalicelib").rglob("*")):
        if path.is_file() and _is_needed(path.relative_to(ROOT)):
            yield path


def _compile(tree: Path) -> None:
    """Compile all modules to bytecode that Python uses without checking the source.

    On Lambda, the code is read-only and file times differ from those of the build. If Python
    validated the bytecode by file time, it would recompile it at every cold start.

    Bytecode depends slightly on what the compiler did before, so for a reproducible result a
    separate process compiles everything. Raises CalledProcessError.
    """
    subprocess.run(  # noqa: S603 - fixed arguments
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
    """Add the files to `target`, and create it if it doesn't exist."""
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.suffix == ".so" else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
