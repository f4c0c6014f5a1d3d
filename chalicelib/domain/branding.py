"""White-label branding: the fields, their validation, and inheritance.

The platform, each reseller, and each tenant have their own branding document. A field that a tenant
does not set is inherited from its reseller, and a field that the reseller does not set is
inherited from the platform.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.colors import AA_TEXT, check_color, contrast, nearest_readable
from chalicelib.domain.names import clean_text
from chalicelib.domain.safe_urls import check_email, check_https_url

MAX_PRODUCT_NAME = 80

OwnFields = dict[str, str]
"""The fields set at one level. All other fields are inherited."""


def check_product_name(text: str) -> str:
    """Return the cleaned product name, or raise ValueError naming the rule it breaks."""
    name = clean_text(text)
    if not 1 <= len(name) <= MAX_PRODUCT_NAME:
        raise ValueError(f"Use 1 to {MAX_PRODUCT_NAME} characters.")
    if "<" in name or ">" in name:
        raise ValueError("Angle brackets are not allowed.")
    return name


# Each field's validator returns the value to store, or raises ValueError.
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

# The platform's branding until an admin changes it. The background and text colors stay unset so
# that pages follow the visitor's light or dark preference.
DEFAULT_BRANDING: OwnFields = {
    "product_name": "Tenantry",
    "primary_color": "#3554d1",
    "accent_color": "#3554d1",
}

# Text and background combinations that must be readable. Buttons need no check: their labels are
# black or white, and one of the two is readable on any primary color.
CONTRAST_PAIRS = (("text_color", "background_color"),)


class Source(StrEnum):
    """The level that supplies the effective value of a field."""

    PLATFORM = "platform"
    RESELLER = "reseller"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class EffectiveBranding:
    """Each field's value after inheritance (None if no level sets it), and the value's source."""

    values: dict[str, str | None]
    sources: dict[str, Source]


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that cannot be saved as sent, and why."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class LowContrast:
    """Text whose contrast with its background fails WCAG AA.

    `ratio` is the actual contrast, `required` is the minimum, and `suggestion` is the closest color
    that reaches the minimum.
    """

    field: str
    on: str
    ratio: float
    required: float
    suggestion: str


def check_document(document: Mapping[str, object]) -> tuple[OwnFields, list[Problem]]:
    """Validate each field separately; return the fields to store and the problems found.

    A field that is None is left out, so it is inherited.
    """
    own: OwnFields = {}
    problems: list[Problem] = []
    for name, value in document.items():
        if name not in FIELDS:
            problems.append(Problem(name, "Unknown branding field."))
        elif value is not None and not isinstance(value, str):
            problems.append(Problem(name, "Send a string, or null to inherit the value."))
        elif value is not None:
            try:
                own[name] = FIELDS[name](value)
            except ValueError as error:
                problems.append(Problem(name, str(error)))
    return own, problems


def contrast_problems(
    own: OwnFields, inherited: Mapping[str, str | None], before: Mapping[str, str | None]
) -> list[Problem]:
    """Return a problem for each text color that this edit makes hard to read.

    `before` holds the effective values before the edit. Color pairs that the edit does not change
    are not reported, so they cannot block changes to other fields. Neither are pairs that are
    entirely inherited: they have to be fixed at the level that sets them.
    """
    after = {**inherited, **own}
    return [
        _contrast_problem(own, after, found)
        for found in find_low_contrast(after)
        if any(name in own for name in (found.field, found.on))
        and any(after[name] != before.get(name) for name in (found.field, found.on))
    ]


def _contrast_problem(
    own: OwnFields, after: Mapping[str, str | None], found: LowContrast
) -> Problem:
    """Report the text color if this level sets it, otherwise the background color."""
    field, other, suggestion = found.field, found.on, found.suggestion
    if field not in own:
        field, other = other, field
        suggestion = nearest_readable(str(after[field]), str(after[other]))
    inherited = "" if other in own else "the inherited "
    return Problem(
        field,
        f"The contrast with {inherited}{other} {after[other]} is {found.ratio:.2f}, but WCAG AA "
        f"requires {found.required}. The nearest color that passes is {suggestion}.",
    )


def valid_fields(stored: object) -> OwnFields:
    """Return a stored document's valid fields.

    The document may have been edited in the AWS console.
    """
    if not isinstance(stored, Mapping):
        return {}
    own: OwnFields = {}
    for name, check_field in FIELDS.items():
        value = stored.get(name)
        if isinstance(value, str):
            try:
                own[name] = check_field(value)
            except ValueError:
                continue
    return own


def with_unknown_fields(own: OwnFields, stored: Mapping[str, object]) -> dict[str, object]:
    """Return the document to store: `own`, plus any fields that a later release has stored."""
    return {**{name: stored[name] for name in stored if name not in FIELDS}, **own}


def inherit(
    platform: OwnFields, reseller: OwnFields | None = None, tenant: OwnFields | None = None
) -> EffectiveBranding:
    """Take each field from the most specific level that sets it."""
    layers = (
        (Source.TENANT, tenant or {}),
        (Source.RESELLER, reseller or {}),
        (Source.PLATFORM, platform),
        (Source.PLATFORM, DEFAULT_BRANDING),
    )
    values: dict[str, str | None] = {}
    sources: dict[str, Source] = {}
    for name in FIELDS:
        source, own = next((layer for layer in layers if name in layer[1]), layers[-1])
        values[name] = own.get(name)
        sources[name] = source
    return EffectiveBranding(values, sources)


def find_low_contrast(values: Mapping[str, str | None]) -> list[LowContrast]:
    """Return the text colors that are hard to read on their backgrounds."""
    found = []
    for field, on in CONTRAST_PAIRS:
        text, background = values.get(field), values.get(on)
        if text is None or background is None:
            continue
        ratio = contrast(text, background)
        if ratio < AA_TEXT:
            suggestion = nearest_readable(text, background)
            found.append(LowContrast(field, on, _round_down(ratio), AA_TEXT, suggestion))
    return found


def _round_down(ratio: float) -> float:
    """Truncate to two decimals, so that a failing ratio is never displayed as a passing one."""
    return int(ratio * 100) / 100


def stylesheet(values: Mapping[str, str | None]) -> str:
    """Return the effective values as CSS custom properties for the login page.

    Every value is validated again here, so only `#rrggbb` colors and percent-encoded https URLs
    reach the stylesheet. Text that is unreadable on its background (which can happen if one of
    the two is inherited) gets the nearest readable color.
    """
    safe = valid_fields(values)
    for found in find_low_contrast(safe):
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
