"""Names that must be unique: how they are spelled and compared."""

import re
import unicodedata

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = range(3, 64)

# Control characters and format characters: the invisible and direction-changing ones that make
# one name look like another.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Format characters that scripts and emoji need: the zero-width joiners, and the signs that
# Arabic, Syriac and Kaithi write below numbers.
_NEEDED = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd"
    "\U000110cd"
)
# Letters, marks and a symbol by their category, and nothing to the eye.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


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
    if any(_is_hidden(c) for c in text):
        raise ValueError("Control and invisible characters are not allowed.")
    if not any(unicodedata.category(c)[0] in "LNPS" for c in text):
        raise ValueError("It must hold a letter, a digit or a sign.")
    return text


def _is_hidden(c: str) -> bool:
    return c in _BLANK or (unicodedata.category(c) in _UNPRINTABLE and c not in _NEEDED)


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
