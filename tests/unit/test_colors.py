"""Contrast ratios, compared with values from WCAG and widely used tools."""

import pytest

from chalicelib.domain.colors import check_color, contrast, nearest_readable


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.00),
        ("#0000ff", "#ffffff", 8.59),
        ("#00ff00", "#000000", 15.30),
    ],
)
def test_contrast_matches_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(one, other) == contrast(other, one)


@pytest.mark.parametrize(
    ("text", "background", "suggested"),
    [
        ("#777777", "#ffffff", "#767676"),
        ("#111111", "#000000", "#757575"),
        ("#ffffff", "#ffffff", "#767676"),
        ("#17181c", "#ffffff", "#17181c"),
        ("#ffcc00", "#ffffff", "#907300"),
    ],
)
def test_nearest_readable_color(text: str, background: str, suggested: str) -> None:
    assert nearest_readable(text, background) == suggested


def test_colors_are_lowercased() -> None:
    assert check_color("#AaBbCc") == "#aabbcc"
