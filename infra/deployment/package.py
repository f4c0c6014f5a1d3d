"""`make package`: build the template and the archive of a stage into build/<stage>/."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from chalice.package import YAMLTemplateSerializer

from infra.deployment.archive import BUDGET_BYTES, SDK, build_archive, sha256
from infra.deployment.inventory import (
    ARCHITECTURE,
    ARCHITECTURES,
    BUILD,
    POLICIES,
    ROOT,
    RUNTIME,
    STAGES,
    functions,
)
from infra.deployment.template import merge_template

ARCHIVE = "deployment.zip"
TEMPLATE = "sam.yaml"
# Chalice derives the suffix of service names from it. It is the same everywhere except China.
REGION = "us-east-1"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    stage = parser.parse_args().stage
    archives = {architecture: archive(architecture) for architecture in ARCHITECTURES}
    print(_table(archives[ARCHITECTURE][1]))
    for architecture, (path, _) in archives.items():
        megabytes = path.stat().st_size / 2**20
        print(f"{sha256(path)}  {architecture:7} {RUNTIME}  {megabytes:.1f} MB zipped")
    package(stage, archives[ARCHITECTURE][0])
    print(f"\n{(BUILD / stage / TEMPLATE).relative_to(ROOT)}")
    return 0


def archive(architecture: str, out: Path = BUILD) -> tuple[Path, dict[str, int]]:
    """Build the archive that all stages share. Return its path and each dependency's size."""
    path = out / f"{RUNTIME}-{architecture}.zip"
    path.parent.mkdir(exist_ok=True)
    return path, build_archive(architecture, path)


def package(stage: str, archive: Path, out: Path = BUILD) -> Path:
    """Build the folder with the stage's template and archive, ready for CloudFormation.

    Chalice generates the template and merges ours into it. Our archive replaces the one that
    Chalice would build with a separate pip run, because Lambda ignores the bytecode in Chalice's.
    """
    folder = out / stage
    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    _copy_source(source)
    config = _configure(source / ".chalice" / "config.json")
    retention = config["stages"][stage]["log_retention_in_days"]
    merged = folder / "merge.yaml"
    merged.write_text(yaml.safe_dump(merge_template(stage, retention, functions())))
    _chalice(source, "package", "--stage", stage, "--merge-template", merged, folder)
    shutil.copyfile(archive, folder / ARCHIVE)
    shutil.rmtree(source)
    merged.unlink()
    return folder


def read_template(folder: Path) -> dict[str, Any]:
    """Return the packaged template, with Ref and Fn:: in their long form."""
    text = (folder / TEMPLATE).read_text()
    template: dict[str, Any] = YAMLTemplateSerializer().load_template(text, TEMPLATE)
    return template


def _copy_source(source: Path) -> None:
    """Copy only what is deployed, without requirements: Chalice only generates the template."""
    shutil.copytree(ROOT / "chalicelib", source / "chalicelib", ignore=_no_caches)
    shutil.copyfile(ROOT / "app.py", source / "app.py")
    shutil.copytree(POLICIES, source / ".chalice", ignore=shutil.ignore_patterns("deploy*", "venv"))


_no_caches = shutil.ignore_patterns("__pycache__")


def _configure(path: Path) -> dict[str, Any]:
    """Give every function its own policy file. Chalice must not generate any policies.

    Raises FileNotFoundError if a function has none.
    """
    config: dict[str, Any] = json.loads(path.read_text())
    config |= {"autogen_policy": False, "lambda_architecture": ARCHITECTURE}
    for function in functions():
        policy = f"policy-{function.name}.json"
        if not (POLICIES / policy).exists():
            raise FileNotFoundError(f"{function.name} has no .chalice/{policy}. Run make policies.")
        settings = config["lambda_functions"].setdefault(function.chalice_name, {})
        settings["iam_policy_file"] = policy
    path.write_text(json.dumps(config))
    return config


def _chalice(source: Path, *arguments: str | Path) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.setdefault("AWS_DEFAULT_REGION", REGION)
    run = "from chalice.cli import main; main()"
    command = [sys.executable, "-c", run, *(str(a) for a in arguments)]
    subprocess.run(  # noqa: S603 - fixed arguments
        command, cwd=source, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def _table(sizes: dict[str, int]) -> str:
    lines = [f"{size / 2**20:7.2f} MB  {name}" for name, size in sizes.items()]
    counted = sum(size for name, size in sizes.items() if name not in SDK) / 2**20
    budget = BUDGET_BYTES / 2**20
    return "\n".join(
        [*lines, f"{counted:7.2f} MB  without the AWS SDK (budget: {budget:.0f} MB)\n"]
    )


if __name__ == "__main__":
    sys.exit(main())
