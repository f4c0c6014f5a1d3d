"""Colours: strict sRGB hex, and whether text can be read on them (WCAG 2.2, 1.4.3)."""

import re

# WCAG 2.2 success criterion 1.4.3, level AA, for text of normal size.
AA_TEXT = 4.5

_HEX = re.compile(r"#[0-9a-f]{6}")


def check_color(text: str) -> str:
    """The colour as lowercase `#rrggbb`. Raises ValueError for every other notation."""
    colour = text.strip().lower()
    if not _HEX.fullmatch(colour):
        raise ValueError("Use a colour of the form #rrggbb, such as #1a73e8.")
    return colour


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours: from 1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(text: str, background: str) -> bool:
    return contrast(text, background) >= AA_TEXT


def nearest_readable(text: str, background: str) -> str:
    """The colour next to `text` that can be read on `background`; `text` itself if it can.

    It is mixed with black or with white, whichever needs less of it. One of the two always
    ends well: no background is too near to both.
    """
    if readable_on(text, background):
        return text
    for share in range(1, 256):
        mixed = (_mix(text, 0, share), _mix(text, 255, share))
        passing = [colour for colour in mixed if readable_on(colour, background)]
        if passing:
            return max(passing, key=lambda colour: contrast(colour, background))
    raise AssertionError("Black or white can be read on every colour.")


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mix(colour: str, pole: int, share: int) -> str:
    """`colour` with `share` 255ths of black (pole 0) or white (pole 255)."""
    mixed = [round(channel + (pole - channel) * share / 255) for channel in _channels(colour)]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
