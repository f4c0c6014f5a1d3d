"""Which host names can be custom domains, and how host names are normalized."""

from dataclasses import replace

import pytest

from chalicelib.domain.custom_domains import record_name
from chalicelib.services.domains import hosts
from chalicelib.services.domains.hosts import check_custom_host, normalize_host
from chalicelib.settings import SettingValue, settings


@pytest.mark.parametrize(
    ("typed", "normalized"),
    [
        ("app.example.com", "app.example.com"),
        ("  APP.Example.com.  ", "app.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("straße.de", "xn--strae-oqa.de"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
        ("ひらカタ漢a.jp", "xn--a-nbu3cwg2dq964b.jp"),
        ("コーヒー.jp", "xn--tck2c4fb.jp"),
        ("らーめん.jp", "xn--ebkp5a86a.jp"),
        ("佐々木.jp", "xn--u6jy55gilq.jp"),
        ("〆切.jp", "xn--v6jt73h.jp"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("app。example．com", "app.example.com"),
        ("me.github.io", "me.github.io"),
        ("example.co.uk", "example.co.uk"),
        ("a1-b2.example", "a1-b2.example"),
    ],
)
def test_host_names_are_normalized(typed: str, normalized: str) -> None:
    assert check_custom_host(typed) == normalized
    assert check_custom_host(normalized) == normalized
    assert normalize_host(normalized.upper() + ":8443") == normalized


def test_a_host_leaves_room_for_its_verification_record() -> None:
    labels = ".".join(["x" * 60] * 3)
    longest = f"{labels}.{'y' * 52}.example"
    assert len(record_name(longest)) == 253
    assert check_custom_host(longest) == longest
    with pytest.raises(ValueError, match="243 characters"):
        check_custom_host(f"{labels}.{'y' * 53}.example")


@pytest.mark.parametrize("host", ["аpple.example", "pаypal.com", "ġооgle.com", "αpp.example"])
def test_a_label_that_mixes_alphabets_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="mix alphabets"):
        check_custom_host(host)


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
def test_platform_hosts_are_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    public_url = SettingValue("PUBLIC_URL", "https://app.tenantry.example")
    changed = replace(settings(), _public_url=public_url, platform_hosts=("brand.io",))
    monkeypatch.setattr(hosts, "settings", lambda: changed)
    with pytest.raises(ValueError, match="platform"):
        check_custom_host(host)
    assert check_custom_host("shop.example") == "shop.example"
    assert check_custom_host("mytenantry.example") == "mytenantry.example"
