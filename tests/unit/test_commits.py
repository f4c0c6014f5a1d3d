"""The check of commit subjects reads the commits after the rule, and refuses what breaks it."""

import subprocess
from pathlib import Path

import pytest

from infra.commits import LAST_BEFORE_THE_RULE, check, subjects_after


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("Say why", None),
        ("x" * 72, None),
        ("x" * 73, "73 characters"),
        ("Say why.", "final period"),
    ],
)
def test_subjects_are_short_and_have_no_final_period(subject: str, problem: str | None) -> None:
    lines = check([subject])
    assert len(lines) == (problem is not None)
    assert all((problem or "") in line for line in lines)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A Git repository with three commits."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for message in ("first", "second", "third\n\nDetails."):
        commit = ["commit", "--quiet", "--allow-empty", "--message", message]
        subprocess.run([*git, *commit], check=True)
    return tmp_path


def test_only_later_commits_are_checked(repository: Path) -> None:
    assert subjects_after("HEAD~2", repository) == ["third", "second"]
    assert subjects_after("HEAD", repository) == []


def test_nothing_is_checked_without_the_history(repository: Path) -> None:
    assert subjects_after(LAST_BEFORE_THE_RULE, repository) is None


def test_nothing_is_checked_outside_a_repository(tmp_path: Path) -> None:
    assert subjects_after(LAST_BEFORE_THE_RULE, tmp_path) is None
