"""The admin pages' labels for codes, columns, and actions."""

from chalicelib.web.admin_shell.words import action_label, field_label


def test_field_and_action_labels() -> None:
    assert field_label("is_active") == "Is Active"
    assert field_label("login_background_color") == "Login background color"
    assert action_label("api_key.created") == "API key created"
