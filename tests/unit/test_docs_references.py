"""Names in backticks in the docs exist in the code: files, module members, columns, settings."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Not the changelog, which also names what no longer exists.
DOCUMENTS = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *(
        path
        for folder in ("chalicelib", "docs", "infra")
        for path in ROOT.glob(f"{folder}/**/*.md")
    ),
]
GENERATED = (ROOT / ".gitignore").read_text().splitlines()
CODE = {".py", ".yaml", ".html", ".js", ".css", ".json", ".toml", ".txt", ""}
SOURCE_ROOTS = ("app.py", "Makefile", "*.toml", "requirements*", "chalicelib", "infra", "tests")
SOURCES = [
    path
    for root in SOURCE_ROOTS
    for found in ROOT.glob(root)
    for path in ([found] if found.is_file() else found.rglob("*"))
    if path.is_file() and path.suffix in CODE and path != Path(__file__)
]
FILE = re.compile(r"[\w/-]+\.py")
FOLDER = re.compile(r"\.?[a-z_]+/(?:[a-z_]+/)*")
MODULE_MEMBER = re.compile(r"(\w+)\.(?!json$)(\w+)")
NAME = re.compile(r"[a-z]+(?:_[a-z]+)+|(?:[A-Z][a-z]+){2,}")


def code_spans(document: Path) -> set[str]:
    """Return the inline code in a document."""
    prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


def words(path: Path) -> set[str]:
    return set(re.findall(r"\w+", path.read_text(errors="ignore")))


@pytest.fixture(scope="module")
def all_words() -> set[str]:
    return set().union(*map(words, SOURCES))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_names_in_the_docs_exist(document: Path, all_words: set[str]) -> None:
    paths = [f"/{path.relative_to(ROOT)}" for path in SOURCES]
    modules = {path.stem for path in SOURCES if path.suffix == ".py" and "chalicelib" in path.parts}
    missing = []
    for name in sorted(code_spans(document)):
        if FILE.fullmatch(name):
            exists = (ROOT / name).exists() or any(path.endswith(f"/{name}") for path in paths)
        elif FOLDER.fullmatch(name):
            is_folder = (ROOT / name).is_dir() or any(f"/{name}" in path for path in paths)
            exists = is_folder or name in GENERATED
        elif (dotted := MODULE_MEMBER.fullmatch(name)) and dotted[1] in modules:
            exists = any(dotted[2] in words(path) for path in SOURCES if path.stem == dotted[1])
        elif NAME.fullmatch(name):
            exists = name in all_words
        else:
            continue
        if not exists:
            missing.append(name)
    assert missing == []
