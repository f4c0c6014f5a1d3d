"""The tour in the README works, and the documents' links and make commands exist."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT, start_service, wait_for_address

README = (ROOT / "README.md").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("infra/decisions/*.md")]


def blocks(heading: str) -> list[str]:
    """Return the shell blocks under a heading of the README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def test_the_tour_works() -> None:
    (tour,) = blocks("A five-minute tour")
    service = start_service(port=0)
    try:
        script = tour.replace("http://127.0.0.1:8000", wait_for_address(service))
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        service.kill()
        service.communicate()
    assert result.returncode == 0, result.stderr
    assert '"license_count":15,"license_used":4,"license_available":11' in result.stdout
    assert '"better_offer":{"quantity":10,"total":20000}' in result.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_link_targets_exist(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    missing = [
        link
        for link in links
        if not link.startswith("http") and not (document.parent / link).exists()
    ]
    assert missing == []


def test_make_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for document in DOCUMENTS
        if document.name != "CHANGELOG.md"  # also names commands that no longer exist
        for name in re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE)
    }
    assert named <= targets
