"""The redirect after sign-in can lead only to our own pages."""

import pytest

from chalicelib.web.shell.urls import own_path


@pytest.mark.parametrize(
    "address",
    [
        "/reseller",
        "/reseller/tenants?q=a%20b&cursor=x#top",
        "/login?next=https://elsewhere.example",
        "/%09/elsewhere.example",
        "/..//elsewhere.example",
    ],
)
def test_our_own_paths_are_accepted(address: str) -> None:
    assert own_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "reseller",
        "https://elsewhere.example",
        "//elsewhere.example",
        "///elsewhere.example",
        "/\\elsewhere.example",
        "/\\/elsewhere.example",
        "\\\\elsewhere.example",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        "/a\r\nSet-Cookie: a=b",
        " //elsewhere.example",
        "javascript:alert(1)",
        "/reseller\\..\\..",
        "/日本",
        "/\u202egpj",
    ],
)
def test_any_other_address_is_refused(address: str | None) -> None:
    assert own_path(address) is None
