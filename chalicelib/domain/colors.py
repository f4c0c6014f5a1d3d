"""Colors in `#rrggbb` notation, and text contrast per WCAG 2.2 (success criterion 1.4.3)."""

import re

# Minimum contrast for normal-size text at level AA.
AA_TEXT = 4.5

COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def check_color(text: str) -> str:
    """Return the color as lowercase `#rrggbb`; raise ValueError for any other notation."""
    color = text.strip()
    if not COLOR.fullmatch(color):
        raise ValueError("Use a color in the form #rrggbb, such as #1a73e8.")
    return color.lower()


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio, from 1 (same color) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(text: str, background: str) -> bool:
    return contrast(text, background) >= AA_TEXT


def nearest_readable(text: str, background: str) -> str:
    """Return the color closest to `text` that is readable on `background`.

    That is `text` itself if it is readable, otherwise `text` mixed with as little black or white
    as possible. A result always exists, because black or white is readable on any background.
    """
    if readable_on(text, background):
        return text
    for share in range(1, 256):
        mixed = (_mix(text, 0, share), _mix(text, 255, share))
        passing = [color for color in mixed if readable_on(color, background)]
        if passing:
            return max(passing, key=lambda color: contrast(color, background))
    raise AssertionError("Black or white is readable on every color.")


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    """Return WCAG's relative luminance."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mix(color: str, pole: int, share: int) -> str:
    """Mix black (`pole` 0) or white (`pole` 255) into `color`, at a ratio of `share` / 255."""
    mixed = [round(channel + (pole - channel) * share / 255) for channel in _channels(color)]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
