"""Refuse commit subjects that are too long or end with a period. Part of `make check`."""

import subprocess
import sys
from pathlib import Path

from infra.deployment.inventory import ROOT

MAX_LENGTH = 72
LAST_BEFORE_THE_RULE = "3d4c3dd8c5e996ea2a572d2f2689b28a8739e921"


def main() -> int:
    """Print each subject that breaks the rule, and why. Return the exit code."""
    subjects = subjects_after(LAST_BEFORE_THE_RULE, ROOT)
    if subjects is None:
        print(f"Commit subjects: not checked, since commit {LAST_BEFORE_THE_RULE} is not here.")
        return 0
    found = check(subjects)
    print(*found, sep="\n", file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


def subjects_after(commit: str, repository: Path) -> list[str] | None:
    """Return the subjects of all later commits, or None if the history does not have `commit`."""

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(repository), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    try:
        if git("merge-base", "--is-ancestor", commit, "HEAD").returncode != 0:
            return None
    except FileNotFoundError:  # git is not installed
        return None
    log = git("log", "--format=%s", f"{commit}..HEAD")
    log.check_returncode()
    return log.stdout.splitlines()


def check(subjects: list[str]) -> list[str]:
    """Return a line for each problem of a subject."""
    long = [
        f"“{subject}”: {len(subject)} characters; at most {MAX_LENGTH}, details go into the body"
        for subject in subjects
        if len(subject) > MAX_LENGTH
    ]
    ended = [f"“{subject}”: drop the final period" for subject in subjects if subject[-1:] == "."]
    return long + ended


if __name__ == "__main__":
    sys.exit(main())
