"""The examples in the READMEs work, and the documents' links and make commands exist."""

import re
import subprocess
from pathlib import Path

import pytest

from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import People
from tests.support.processes import ROOT, start_service, wait_for_address

README = (ROOT / "README.md").read_text()
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(
        path
        for folder in ("chalicelib", "docs", "infra")
        for path in ROOT.glob(f"{folder}/**/*.md")
    ),
]


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


def test_the_example_of_a_test_with_the_stripe_simulator_works(
    people: People, stripe: StripeSimulator
) -> None:
    page = (ROOT / "infra" / "local" / "stripe_simulator" / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, object] = {"people": people, "stripe": stripe}
    exec(example, names)  # noqa: S102 - our own text
    assert "checkout.session.completed" in str(names["body"])


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
