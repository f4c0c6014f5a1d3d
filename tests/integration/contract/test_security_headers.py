"""Security headers on every response, cookies, and protection against forged forms."""

import re
from pathlib import Path

import pytest

from app import app
from chalicelib.errors import Forbidden
from chalicelib.settings import settings
from chalicelib.web.shell import cookies, csrf, rendering
from tests.support.api import Api
from tests.support.page_client import PageClient, PageResponse
from tests.support.people import PASSWORD, People

# Responses that can be cached, because they are the same for everyone. Only browsers can cache
# /brand.css.
CACHEABLE = {"/v1/branding", "/brand.css", "/static/app.css"}


def assert_security_headers(path: str, shown: PageResponse) -> None:
    headers = shown.headers
    assert int(headers["Strict-Transport-Security"].partition("=")[2].split(";")[0]) >= 31536000
    assert headers["X-Content-Type-Options"] == "nosniff"
    if shown.status != 200 or path not in CACHEABLE:
        assert headers["Cache-Control"] == "no-store", path
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert headers["X-Request-Id"]
    if shown.text:
        kind = headers["Content-Type"]
        assert kind.startswith("application/") or kind.endswith("; charset=utf-8"), path


@pytest.mark.parametrize("signed_in", [False, True])
def test_every_response_has_security_headers(people: People, signed_in: bool) -> None:
    """The test calls every route and page: some succeed, and others refuse, redirect, or fail."""
    client = PageClient(app)
    if signed_in:
        client.cookies["__Host-session"] = str(people.admin.api.token)
        client.headers["Authorization"] = f"Bearer {people.admin.api.token}"
    seen = set()
    for path, methods in sorted(app.routes.items()):
        for method in methods:
            if method == "DELETE" or path == "/logout":
                continue
            url = re.sub(r"\{\w+\}", "x_01JD0000000000000000000000", path)
            shown = client._call(method, url, b"{}" if method != "GET" else b"")
            assert_security_headers(path, shown)
            seen.add(shown.status)
    assert seen >= ({200, 303, 404, 422} if signed_in else {200, 303, 401, 404, 422})


def test_error_responses_have_security_headers(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = PageClient(app)
    too_large = client._call("POST", "/v1/login", b"x" * 300_000)
    assert too_large.status == 413
    nowhere, unknown = client.get("/static/app.css/x"), client.get("/static/x.css")
    assert (nowhere.status, unknown.status) == (404, 404)
    monkeypatch.setattr(
        "chalicelib.services.settings.platform_settings.cached_settings", lambda: 1 / 0
    )
    broken = [client.get("/v1/pricing"), client.get("/login")]
    assert [shown.status for shown in broken] == [500, 500]
    for shown in (too_large, nowhere, unknown, *broken):
        assert_security_headers("", shown)


@pytest.mark.parametrize(("name", "kind"), [("app.css", "text/css"), ("app.js", "text/javascript")])
def test_static_files_are_cached_by_content_hash(
    people: People, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str
) -> None:
    client = PageClient(app)
    address = re.search(rf'="(/static/{name}\?v=\w+)"', client.get("/login").text)
    assert address
    file = client.get(address[1])
    assert file.status == 200
    assert file.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert "immutable" in file.headers["Cache-Control"]
    assert "Strict-Transport-Security" in file.headers
    assert "Set-Cookie" not in file.headers
    assert file.text == (rendering.WEB / "static" / name).read_text()
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / name).write_text(file.text + "/* changed */")
    monkeypatch.setattr(rendering, "WEB", tmp_path)
    rendering._content_hash.cache_clear()
    try:
        assert rendering.static(name) != address[1]
    finally:
        rendering._content_hash.cache_clear()


@pytest.mark.parametrize("name", ["nothing.css", "..", "..%2Frouting.py", "%2Fetc%2Fpasswd", "."])
def test_unknown_static_files_are_not_found(tables: None, name: str) -> None:
    missing = PageClient(app).get(f"/static/{name}")
    assert missing.status == 404
    assert "import" not in missing.text
    assert "root:" not in missing.text


def test_an_oversized_body_is_refused(api: Api) -> None:
    reply = api.post("/v1/login", b'{"email": "' + b"x" * 300_000 + b'"}')
    assert (reply.status, reply.code) == (413, "payload_too_large")


def test_the_api_accepts_no_cookie(people: People) -> None:
    """A browser sends cookies automatically, so they must not authenticate API requests."""
    someone = people.reseller()
    cookie = {"Cookie": f"__Host-session={someone.api.token}"}
    stranger = someone.api.as_(None)
    assert stranger.get("/v1/me", headers=cookie).code == "unauthenticated"
    tenant = b'{"name": "Forged"}'
    forged = stranger.post("/v1/resellers/me/tenants", tenant, headers=cookie)
    assert forged.code == "unauthenticated"


def test_cors_never_allows_credentials(api: Api) -> None:
    for path in ("/v1/me", "/v1/pricing", "/login"):
        reply = api.get(path, headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert reply.headers.get("Access-Control-Allow-Origin") in (None, "*")


def test_the_session_cookie_is_bound_to_this_host_and_hidden_from_scripts() -> None:
    made = cookies.set_session("ses_1.secret", 3600)
    name, _, attributes = made.partition("; ")
    assert name == "__Host-session=ses_1.secret"
    assert set(attributes.split("; ")) == {
        "Max-Age=3600",
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
    }


@pytest.mark.parametrize(
    "other",
    ['a={"x":1}', "a=b c", "a", "a[b]=1", "ü=1", "expires=1", "secure", '"', "=", "", "; ;"],
)
def test_foreign_cookies_do_not_end_the_session(people: People, other: str) -> None:
    """Browsers also send us the cookies of a parent domain, which can contain anything."""
    session = f"__Host-session={people.reseller().api.token}"
    browser = people.admin.api.as_(None)
    for sent in (f"{other}; {session}", f"{session}; {other}"):
        assert browser.get("/reseller/settings", headers={"Cookie": sent}).status == 200


@pytest.mark.parametrize("token", ["a b", "a;b", "a\r\nSet-Cookie: x=y", 'a"b', "a,b", "ä"])
def test_tokens_that_would_break_the_cookie_are_refused(token: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        cookies.set_session(token, 3600)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_cross_site_fetch_metadata_is_refused(site: str) -> None:
    with pytest.raises(Forbidden):
        csrf.check_origin({"sec-fetch-site": site, "origin": settings().public_url})


@pytest.mark.parametrize("sent", [None, "null", "https://evil.example", "http://127.0.0.1"])
def test_without_fetch_metadata_the_origin_must_match(sent: str | None) -> None:
    with pytest.raises(Forbidden):
        csrf.check_origin({"origin": sent} if sent else {})
    csrf.check_origin({"origin": settings().public_url})
    csrf.check_origin({"sec-fetch-site": "same-origin"})


def test_a_csrf_token_is_valid_only_for_its_session() -> None:
    csrf.check_token("ses_1.a", csrf.token_of("ses_1.a"))
    for sent in (None, "", "x", csrf.token_of("ses_1.b"), "ä"):
        with pytest.raises(Forbidden):
            csrf.check_token("ses_1.a", sent)


def test_a_forged_form_changes_nothing(people: People) -> None:
    someone = people.reseller()
    cookie = {"Cookie": f"__Host-session={someone.api.token}"}
    browser = someone.api.as_(None)
    form = f"csrf_token={csrf.token_of(str(someone.api.token))}".encode()
    own, other = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}
    assert browser.post("/logout", form, headers={**cookie, **other}).status == 403
    assert browser.post("/logout", b"csrf_token=x", headers={**cookie, **own}).status == 403
    assert someone.api.get("/v1/me").status == 200
    assert browser.post("/logout", form, headers={**cookie, **own}).status == 303
    assert someone.api.get("/v1/me").status == 401


def test_signing_in_on_the_page_replaces_the_browsers_session(people: People) -> None:
    someone = people.reseller()
    form = f"email={someone.email}&password={PASSWORD.replace(' ', '+')}"
    old = str(someone.api.token)
    form += f"&csrf_token={csrf.token_of(old)}"
    reply = someone.api.as_(None).post(
        "/login",
        form.encode(),
        headers={"Cookie": f"__Host-session={old}", "Sec-Fetch-Site": "same-origin"},
    )
    assert reply.status == 303
    assert someone.api.get("/v1/me").status == 401
