"""How the admin pages rephrase the API's sentences, fields, and actions."""

import pytest

from chalicelib.web.admin_shell.words import (
    action_label,
    field_label,
    plain_sentence,
)
from chalicelib.web.shell.rendering import amounts_in_text, times_as_utc, times_in_text

OPEN = "10 licenses, pending, open until 2026-11-24T18:00:18.196Z."


def test_timestamps_in_a_sentence_are_formatted() -> None:
    shown = str(times_in_text(f"<b> {OPEN}"))
    assert shown.startswith("&lt;b&gt; 10 licenses, pending, open until <time datetime=")
    assert ">24 Nov 2026, 18:00 UTC</time>." in shown
    assert times_as_utc(OPEN) == "10 licenses, pending, open until 24 Nov 2026, 18:00 UTC."
    assert str(times_in_text("Nothing.")) == "Nothing."


def test_cents_in_a_sentence_become_amounts() -> None:
    assert amounts_in_text("The amount was 7500 cents; the quote was 6000 cents.") == (
        "The amount was $75.00; the quote was $60.00."
    )


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("license_used is 5, 5 tenants hold a license.", "Used is 5, 5 tenants hold a license."),
        ("Set license_count back to 0", "Set Total Licenses back to 0"),
        ("Set holds_license to true", "Mark it as holding a license"),
        ("holds_license is now false.", "It is marked as holding none now."),
    ],
)
def test_column_names_become_page_labels(sentence: str, shown: str) -> None:
    assert plain_sentence(sentence) == shown


def test_field_and_action_labels() -> None:
    assert field_label("is_active") == "Is Active"
    assert field_label("login_background_color") == "Login background color"
    assert action_label("api_key.created") == "API key created"
