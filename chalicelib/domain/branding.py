"""White-label branding: its fields, what each may hold, and who inherits what from whom.

Platform, reseller and tenant each have a document of their own. What is not set in one is
inherited, field by field, from the one before it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.domain.colors import AA_TEXT, check_color, contrast, nearest_readable
from chalicelib.domain.names import clean_text
from chalicelib.domain.safe_urls import check_email, check_https_url

MAX_PRODUCT_NAME = 80

Own = dict[str, str]
"""The fields that one level sets itself; the others it inherits."""


def check_product_name(text: str) -> str:
    """Raises ValueError."""
    name = clean_text(text)
    if not 1 <= len(name) <= MAX_PRODUCT_NAME:
        raise ValueError(f"Use 1 to {MAX_PRODUCT_NAME} characters.")
    if "<" in name or ">" in name:
        raise ValueError("Angle brackets are not allowed.")
    return name


# Every field, and what returns its value as it is kept, or raises ValueError.
FIELDS: Mapping[str, Callable[[str], str]] = {
    "product_name": check_product_name,
    "logo_url": check_https_url,
    "logo_dark_url": check_https_url,
    "favicon_url": check_https_url,
    "login_background_url": check_https_url,
    "login_background_color": check_color,
    "primary_color": check_color,
    "accent_color": check_color,
    "background_color": check_color,
    "text_color": check_color,
    "support_email": check_email,
    "support_url": check_https_url,
}

# What the platform shows until an admin says otherwise. The page's background and text stay
# unset: they are light or dark, as the visitor's own machine prefers.
BUILT_IN: Own = {
    "product_name": "Tenantry",
    "primary_color": "#3554d1",
    "accent_color": "#3554d1",
}

# Which text is read on which colour. Buttons need no check: the pages write on the primary
# colour in black or white, one of which is always readable.
PAIRS = (("text_color", "background_color"),)


class Source(StrEnum):
    """Where the effective value of a field comes from."""

    PLATFORM = "platform"
    RESELLER = "reseller"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Effective:
    """Every field's value (None: set nowhere) and where it comes from."""

    values: dict[str, str | None]
    sources: dict[str, Source]


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that cannot be kept as it was sent."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class LowContrast:
    """Text that is hard to read: its ratio, the ratio that WCAG AA asks for, and the nearest
    colour that reaches it."""

    field: str
    on: str
    ratio: float
    required: float
    suggestion: str


def check(document: Mapping[str, Any]) -> tuple[Own, list[Problem]]:
    """The document as it is to be kept, and what is wrong with its fields, each by itself.
    None means: inherit."""
    own: Own = {}
    problems: list[Problem] = []
    for name, value in document.items():
        if name not in FIELDS:
            problems.append(Problem(name, "There is no such branding field."))
        elif value is not None and not isinstance(value, str):
            problems.append(Problem(name, "Send a text, or null to inherit."))
        elif value is not None:
            try:
                own[name] = FIELDS[name](value)
            except ValueError as error:
                problems.append(Problem(name, str(error)))
    return own, problems


def unreadable(
    own: Own, inherited: Mapping[str, str | None], before: Mapping[str, str | None]
) -> list[Problem]:
    """The texts that this document makes hard to read, on its own or an inherited colour.

    before: the effective values until now. What was so already stands in no other edit's way,
    and what is inherited on both sides is for the other level to mend.
    """
    after = {**inherited, **own}
    return [
        _blamed(own, after, found)
        for found in low_contrast(after)
        if any(name in own for name in (found.field, found.on))
        and any(after[name] != before.get(name) for name in (found.field, found.on))
    ]


def _blamed(own: Own, after: Mapping[str, str | None], found: LowContrast) -> Problem:
    """The text's colour, if it is this level's; else the colour that was put below it."""
    field, other, suggestion = found.field, found.on, found.suggestion
    if field not in own:
        field, other = other, field
        suggestion = nearest_readable(str(after[field]), str(after[other]))
    whose = "" if other in own else "the inherited "
    return Problem(
        field,
        f"With {whose}{other} {after[other]} the contrast is {found.ratio:.2f}, WCAG AA asks for "
        f"{found.required}. The nearest colour that passes is {suggestion}.",
    )


def readable(stored: object) -> Own:
    """What is valid of a stored document, whatever somebody made of it in the console."""
    if not isinstance(stored, Mapping):
        return {}
    own: Own = {}
    for name, check_field in FIELDS.items():
        value = stored.get(name)
        if isinstance(value, str):
            try:
                own[name] = check_field(value)
            except ValueError:
                continue
    return own


def inherit(platform: Own, reseller: Own | None = None, tenant: Own | None = None) -> Effective:
    """Each field from the nearest level that sets it."""
    layers = (
        (Source.TENANT, tenant or {}),
        (Source.RESELLER, reseller or {}),
        (Source.PLATFORM, platform),
        (Source.PLATFORM, BUILT_IN),
    )
    values: dict[str, str | None] = {}
    sources: dict[str, Source] = {}
    for name in FIELDS:
        source, own = next((layer for layer in layers if name in layer[1]), layers[-1])
        values[name] = own.get(name)
        sources[name] = source
    return Effective(values, sources)


def low_contrast(values: Mapping[str, str | None]) -> list[LowContrast]:
    """The texts that cannot be read well on the colour they stand on."""
    found = []
    for field, on in PAIRS:
        text, background = values.get(field), values.get(on)
        if text is None or background is None:
            continue
        ratio = contrast(text, background)
        if ratio < AA_TEXT:
            suggestion = nearest_readable(text, background)
            found.append(LowContrast(field, on, _floor(ratio), AA_TEXT, suggestion))
    return found


def _floor(ratio: float) -> float:
    """To two places, never rounded up to a ratio that would pass."""
    return int(ratio * 100) / 100


def stylesheet(values: Mapping[str, str | None]) -> str:
    """CSS custom properties of effective values, for the login page.

    Every value is checked once more on its way in: nothing but `#rrggbb` and percent-encoded
    https URLs reaches the sheet. Text that could not be read on its background (one inherited,
    the other not) is shown in the nearest colour that can.
    """
    safe = readable(values)
    for found in low_contrast(safe):
        safe[found.field] = found.suggestion
    properties = {
        "--brand-primary": safe.get("primary_color"),
        "--brand-accent": safe.get("accent_color"),
        "--brand-background": safe.get("background_color"),
        "--brand-text": safe.get("text_color"),
        "--brand-login-background-color": safe.get("login_background_color"),
        "--brand-login-background-image": _css_url(safe.get("login_background_url")),
    }
    lines = [f"{name}:{value};" for name, value in properties.items() if value is not None]
    return ":root{" + "".join(lines) + "}\n"


def _css_url(url: str | None) -> str | None:
    return None if url is None else f'url("{url}")'
