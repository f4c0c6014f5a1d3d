"""The documents name code that is there: files, what modules have, columns and settings."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("infra/decisions/*.md")]
CODE = {".py", ".yaml", ".html", ".js", ".css", ".json", ".toml", ".txt", ""}
TOPS = ("app.py", "Makefile", "*.toml", "requirements*", "chalicelib", "infra", "tests")
SOURCES = [
    path
    for top in TOPS
    for found in ROOT.glob(top)
    for path in ([found] if found.is_file() else found.rglob("*"))
    if path.is_file() and path.suffix in CODE and path != Path(__file__)
]
FILE = re.compile(r"[\w/-]+\.py")
IN_A_MODULE = re.compile(r"(\w+)\.(\w+)")
NAME = re.compile(r"[a-z]+(?:_[a-z]+)+|(?:[A-Z][a-z]+){2,}")


def named(document: Path) -> set[str]:
    """What it puts between backticks, in a line."""
    prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


def words(path: Path) -> set[str]:
    return set(re.findall(r"\w+", path.read_text(errors="ignore")))


@pytest.fixture(scope="module")
def all_words() -> set[str]:
    return set().union(*map(words, SOURCES))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_names_are_there(document: Path, all_words: set[str]) -> None:
    paths = [f"/{path.relative_to(ROOT)}" for path in SOURCES]
    modules = {path.stem for path in SOURCES if path.suffix == ".py" and "chalicelib" in path.parts}
    missing = []
    for name in sorted(named(document)):
        if FILE.fullmatch(name):
            there = any(path.endswith(f"/{name}") for path in paths)
        elif (dotted := IN_A_MODULE.fullmatch(name)) and dotted[1] in modules:
            there = any(dotted[2] in words(path) for path in SOURCES if path.stem == dotted[1])
        elif NAME.fullmatch(name):
            there = name in all_words
        else:
            continue
        if not there:
            missing.append(name)
    assert missing == []
