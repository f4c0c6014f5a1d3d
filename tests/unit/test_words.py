"""The check for unwanted phrases finds them, and only in the files and text that it covers."""

from pathlib import Path

import pytest

from infra.words import check


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.py", '"""Whoever asks."""\n', ["Whoever"]),
        ("a.py", "x = 1  # kept by hand, then made anew\n", ["by hand", "anew"]),
        ("a.md", "One line.\nThe colour is red.\n", ["colour"]),
        ("a.py", "# Sent by\n# hand, and put\n# down.\n", ["by # hand", "put # down"]),
        ("a.py", "handler = behind  # an able hand\n", []),
        ("a.html", "<p>Whoever reads this</p>\n", []),
        ("a.html", "<p>Whoever</p>{# whoever\n reads #}<p>anew</p>\n", ["whoever"]),
    ],
)
def test_phrases_are_found(tmp_path: Path, name: str, text: str, found: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    lines = check(name, path)
    assert [line.split("“")[1].split("”")[0] for line in lines] == found
    assert all(line.startswith(f"{name}:") for line in lines)


def test_the_line_of_the_phrase_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("One line.\nThe colour is red.\n")
    assert check("a.md", path)[0].startswith("a.md:2: ")
