"""Slugs, names, and email addresses: which are valid, and how they are normalized."""

import re
import unicodedata

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = range(3, 64)
MAX_EMAIL = 254
MAX_SEARCH = 200

# Categories of control and format characters. They can be invisible or reverse the text direction,
# and so make one name look like another.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Format characters that some scripts and emoji need: the zero-width joiners, and the signs that
# Arabic, Syriac, and Kaithi write below numbers.
_NEEDED = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd"
    "\U000110cd"
)
# Characters that are displayed as blank, although their category is letter, mark, or symbol.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def check_slug(slug: str) -> str:
    """Return the slug unchanged, or raise ValueError naming the rule it breaks."""
    if len(slug) not in SLUG_LENGTH or not SLUG.fullmatch(slug):
        raise ValueError(
            f"Use {SLUG_LENGTH.start} to {SLUG_LENGTH[-1]} lowercase letters, digits, and single "
            "hyphens, such as acme-corp."
        )
    return slug


def slugify(name: str, fallback: str) -> str:
    """Return a valid slug that resembles `name`, or `fallback` if too few characters remain."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:50].strip("-")
    return slug if len(slug) in SLUG_LENGTH else fallback


def clean_text(text: str) -> str:
    """Trim the text and normalize it to NFC.

    Raises ValueError if nothing visible is left or it contains characters that are not safe to
    display.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise ValueError("This must not be empty.")
    if any(_is_hidden(c) for c in text):
        raise ValueError("Control characters and invisible characters are not allowed.")
    if not any(unicodedata.category(c)[0] in "LNPS" for c in text):
        raise ValueError("Use at least one letter, digit, or symbol.")
    return text


def _is_hidden(c: str) -> bool:
    return c in _BLANK or (unicodedata.category(c) in _UNPRINTABLE and c not in _NEEDED)


def fold_email(address: str) -> str:
    """Lowercase the address, so that different spellings of the same mailbox compare equal.

    Raises ValueError if the address is not ASCII or is too long.
    """
    if len(address) > MAX_EMAIL or not address.isascii():
        raise ValueError(f"Use an ASCII email address of at most {MAX_EMAIL} characters.")
    return address.lower()


def search_key(text: str) -> str:
    """Return the normalized form of a name, used for sorting and searching.

    The normalized form ignores case and compatibility forms (such as full-width letters). It is
    truncated to MAX_SEARCH characters because some characters expand to many, and an index key
    holds at most 1,024 bytes.
    """
    return unicodedata.normalize("NFKC", text).casefold()[:MAX_SEARCH]
