"""Which host names may become a reseller's own, and how they are spelled."""

from dataclasses import replace

import pytest

from chalicelib.services import hosts
from chalicelib.services.hosts import check_custom_host, normalised
from chalicelib.settings import Value, settings


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("app.example.com", "app.example.com"),
        ("  APP.Example.com.  ", "app.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("straße.de", "xn--strae-oqa.de"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
        ("ひらカタ漢a.jp", "xn--a-nbu3cwg2dq964b.jp"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("app。example．com", "app.example.com"),
        ("me.github.io", "me.github.io"),
        ("example.co.uk", "example.co.uk"),
        ("a1-b2.example", "a1-b2.example"),
    ],
)
def test_one_spelling(typed: str, kept: str) -> None:
    assert check_custom_host(typed) == kept
    assert check_custom_host(kept) == kept
    assert normalised(kept.upper() + ":8443") == kept


@pytest.mark.parametrize(
    "host",
    [
        "tenantry.example",
        "app.tenantry.example",
        "x.app.tenantry.example",
        "brand.io",
        "a.brand.io",
    ],
)
def test_the_platforms_own_hosts_are_nobody_elses(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Value("PUBLIC_URL", "https://app.tenantry.example")
    here = replace(settings(), _public_url=own, platform_hosts=("brand.io",))
    monkeypatch.setattr(hosts, "settings", lambda: here)
    with pytest.raises(ValueError, match="platform"):
        check_custom_host(host)
    assert check_custom_host("shop.example") == "shop.example"
    assert check_custom_host("mytenantry.example") == "mytenantry.example"
