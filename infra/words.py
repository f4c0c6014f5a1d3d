"""Refuse phrases that sound translated or puzzling, in code and docs. Part of `make check`.

In templates, only the comments are checked, not the text that pages and mails show.
"""

import re
import sys
from pathlib import Path

from infra.deployment.inventory import ROOT

# Each phrase with what to write instead.
PHRASES = {
    r"stand-ins?": "simulator, or fake",
    r"whoever": "name the person: the caller, an admin, anyone who …",
    r"by hand": "manually, or in the console",
    r"anew": "again",
    r"in vain": "without success",
    r"deeds?": "action",
    r"oneself|one's own": "your own, or the caller's own",
    r"(put|puts|putting) down": "record, or save",
    r"(go|goes|going|gone|went) on (with|from|where)": "resume, or continue",
    r"(look|looks|looked|looking) again": "read again, or check again",
    r"(is|are|was|were|be) looked at": "checked, or read",
    r"(is|are|was|were) asked for": "requested",
    r"(is|are|was|were) told of": "learns of, or is notified of",
    r"(tell|tells|told|telling) (of|apart|whether)": "says, shows, or reports",
    r"(hear|hears|heard) of": "learns of",
    r"(held|hold|holds) against": "compared with",
    r"(come|comes|came|coming) right": "is repaired, or becomes correct",
    r"mend(s|ed|ing)?": "fix, or repair",
    r"(is|are) no good": "is invalid",
    r"beside (it|them|the|each)": "next to, with, or in addition to",
    # One is a stored value, the other the text of a page.
    r"(?<!purchase\x20)(?<!page\x20)of ours": "our",
    r"by night|by the clock": "nightly, or on a schedule",
    r"should (it|they) (be|have|come)": "if it …",
    r"at rest": "idle, or dormant",
    r"(vandal|town|crowd)s?": "say what it is",
    r"what is (not|no|so)": "name the thing",
    r"(is|are) (passed over|carried out|asked about)": "skipped, executed, or queried",
    r"afresh|thus|hence|upon": "again, so, or on",
    r"gone on": "resumed",
    r"(was|were|been) (said|told)": "name who reported what",
    r"who is (one|none|not|faster|first)": "name the person",
    r"that (is|are) one": "say what it is",
    r"learns nothing": "say what it cannot see",
    r"comes? to (have|be|know)": "has, is, or learns",
    r"makes? oneself|leads (back|nowhere)|lies (in|beside)": "say it plainly",
    r"stands (in|beside|below) (the|it|them)": "is in, next to, or below",
    r"(colou|behaviou|favou)rs?|(normal|neutral|recogn|author)is\w+": "US spelling",
}
CHECKED = (
    *("*.md", "Makefile", "pyproject.toml", "app.py", ".ci/run"),
    *(
        f"{folder}/**/*{suffix}"
        for folder in ("chalicelib", "docs", "infra", "tests")
        for suffix in (".py", ".md", ".yaml", ".js", ".css", ".html")
    ),
)
# These quote the phrases on purpose.
SKIPPED = {"infra/words.py", "tests/unit/test_words.py"}
PATTERN = re.compile(
    # A phrase can be broken across lines, and across the "#" of a comment.
    "|".join(
        rf"(?P<p{number}>\b(?:{phrase})\b)".replace(" ", r"\s+(?:#\s+)?")
        for number, phrase in enumerate(PHRASES)
    ),
    re.IGNORECASE,
)


def main() -> int:
    """Print each phrase with its place and what to write instead. Return the exit code."""
    names = {str(path.relative_to(ROOT)) for pattern in CHECKED for path in ROOT.glob(pattern)}
    found = [line for name in sorted(names - SKIPPED) for line in check(name, ROOT / name)]
    print(*found, sep="\n", file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


def check(name: str, path: Path) -> list[str]:
    """Return a line for each phrase in a file."""
    text = path.read_text(encoding="utf-8")
    if name.endswith(".html"):
        text = _only_comments(text)
    replacements = list(PHRASES.values())
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: “{' '.join(match[0].split())}”: "
        f"write {replacements[int((match.lastgroup or 'p0')[1:])]}"
        for match in PATTERN.finditer(text)
    ]


def _only_comments(text: str) -> str:
    """Return a template with all but its comments blanked, so line numbers stay."""

    def blank(part: str) -> str:
        return re.sub(r"[^\n]", " ", part)

    pieces = re.split(r"({#.*?#})", text, flags=re.DOTALL)
    return "".join(piece if piece.startswith("{#") else blank(piece) for piece in pieces)


if __name__ == "__main__":
    sys.exit(main())
