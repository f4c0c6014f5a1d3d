"""Names that must be unique: how they are spelled and compared."""

import re
import unicodedata

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = range(3, 64)

# Control characters, and the invisible and direction-changing ones that make one name look
# like another. Zero-width joiners stay: scripts need them.
_UNPRINTABLE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_INVISIBLE = frozenset(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def check_slug(slug: str) -> str:
    """The slug itself. Raises ValueError with the rule it breaks."""
    if len(slug) not in SLUG_LENGTH or not SLUG.fullmatch(slug):
        raise ValueError(
            "Use 3 to 63 lowercase letters, digits and single hyphens, such as acme-corp."
        )
    return slug


def slugify(name: str, fallback: str) -> str:
    """A valid slug that resembles `name`, or `fallback` where nothing of it is left."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:50].strip("-")
    return slug if len(slug) in SLUG_LENGTH else fallback


def clean_text(text: str) -> str:
    """The text in NFC without outer space. Raises ValueError where nothing is left of it or it
    can't be shown safely."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise ValueError("It must not be empty.")
    if any(unicodedata.category(c) in _UNPRINTABLE or c in _INVISIBLE for c in text):
        raise ValueError("Control and invisible characters are not allowed.")
    return text


def fold_email(address: str) -> str:
    """One address, one spelling: mailboxes that differ in letter case are not told apart."""
    if len(address) > 254 or not address.isascii():
        raise ValueError("Use an ASCII email address of 254 characters at most.")
    return address.lower()


def search_key(text: str) -> str:
    """How a name is sorted and searched: without case and compatibility forms.

    Cut, since some characters unfold into many and an index key holds 1024 bytes.
    """
    return unicodedata.normalize("NFKC", text).casefold()[:200]
