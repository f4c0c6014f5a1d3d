"""Branding and custom domains as pages, and whose brand the pages wear."""

import re

import pytest

from app import app
from chalicelib.domain.custom_domains import compare_txt_values
from chalicelib.services.domains import txt_records
from chalicelib.settings import settings
from tests.support.page_client import PageClient
from tests.support.people import PASSWORD, People, Person


def branding(person: Person) -> dict[str, str]:
    own: dict[str, str] = person.api.get("/v1/resellers/me/branding").json["own"]
    return own


def test_fields_are_set_kept_reset_and_inherited(client: PageClient, reseller: Person) -> None:
    page = client.get("/reseller/branding")
    saved = client.submit(
        page, "/reseller/branding", product_name="Northwind Desk", primary_color="#f2b705"
    )
    page = client.follow(saved)
    assert branding(reseller) == {"product_name": "Northwind Desk", "primary_color": "#f2b705"}
    saved = client.submit(
        page, "/reseller/branding", reset="primary_color", product_name="Not saved"
    )
    assert branding(reseller) == {"product_name": "Northwind Desk"}
    page = client.follow(saved)
    client.submit(page, "/reseller/branding", product_name="", primary_color="")
    assert branding(reseller) == {}


def test_licenses_may_move_while_a_look_is_edited_but_another_edit_is_told(
    client: PageClient, reseller: Person
) -> None:
    page = client.get("/reseller/branding")
    reseller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    assert client.submit(page, "/reseller/branding", product_name="First").status == 303
    late = client.submit(page, "/reseller/branding", accent_color="#112233")
    assert late.status == 412
    assert branding(reseller) == {"product_name": "First"}
    assert dict(late.form("/reseller/branding").fields)["accent_color"] == "#112233"


def test_text_that_could_not_be_read_on_an_inherited_colour_is_said_beside_its_field(
    client: PageClient, reseller: Person
) -> None:
    reseller.api.put("/v1/resellers/me/branding", {"background_color": "#000000"})
    tenant = reseller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json["id"]
    path = f"/reseller/tenants/{tenant}/branding"
    refused = client.submit(client.get(path), path, text_color="#333333")
    assert refused.status == 422
    assert 'id="text_color-error"' in refused.text
    assert "The nearest colour that passes is" in refused.text


def test_what_is_wrong_is_said_beside_its_field(client: PageClient, reseller: Person) -> None:
    page = client.get("/reseller/branding")
    refused = client.submit(
        page, "/reseller/branding", primary_color="red", logo_url="javascript:alert(1)"
    )
    assert refused.status == 422
    assert 'id="primary_color-error"' in refused.text
    assert 'id="logo_url-error"' in refused.text
    assert branding(reseller) == {}


def test_a_tenants_own_look_wins_over_its_resellers(client: PageClient, reseller: Person) -> None:
    reseller.api.put("/v1/resellers/me/branding", {"product_name": "Northwind"})
    tenant = reseller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json
    path = f"/reseller/tenants/{tenant['id']}/branding"
    page = client.get(path)
    assert "From the reseller" in page.text
    assert client.submit(page, path, product_name="Blue Desk").status == 303
    login = PageClient(app).get(f"/login?reseller=company-1&tenant={tenant['slug']}")
    assert "<title>Sign in · Blue Desk</title>" in login.text
    late = client.submit(page, path, product_name="Late")
    assert late.status == 412


def test_an_admin_brands_any_reseller_and_its_tenants(
    people: People, reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = reseller.api.post("/v1/resellers/me/tenants", {"name": "Bakery"}).json["id"]
    admin = PageClient(app).sign_in(people.admin.email, PASSWORD)
    account = f"/admin/resellers/{reseller.reseller_id}"
    own = f"{account}/branding"
    assert f'href="{own}"' in admin.get(account).text
    page = admin.get(own)
    assert "Branding of Company 1" in page.text
    saved = admin.submit(page, own, product_name="Northwind Desk")
    assert saved.location == own
    assert branding(reseller) == {"product_name": "Northwind Desk"}
    (entry, *_) = reseller.api.get("/v1/resellers/me/audit").json["data"]
    assert (entry["action"], entry["actor"]) == (
        "reseller.branding_changed",
        people.admin.user_id,
    )
    of_tenant = f"{account}/tenants/{tenant}/branding"
    assert f'href="{of_tenant}"' in admin.get(f"{account}/tenants/{tenant}").text
    shown = admin.follow(admin.submit(admin.get(of_tenant), of_tenant, accent_color="#112233"))
    assert "From the reseller" in shown.text
    seen = reseller.api.get(f"/v1/resellers/me/tenants/{tenant}/branding").json
    assert seen["own"] == {"accent_color": "#112233"}
    monkeypatch.setattr(
        txt_records, "look_up_txt", lambda _name, value: compare_txt_values([value], value)
    )
    listed = admin.follow(admin.submit(shown, f"{of_tenant}/domains", host="app.acme.example"))
    assert "app.acme.example" in listed.text
    admin.submit(listed, f"{of_tenant}/domains/app.acme.example/verify")
    (domain,) = reseller.api.get("/v1/resellers/me/domains").json["data"]
    assert (domain["status"], domain["tenant_id"]) == ("verified", tenant)
    asked = admin.get(f"{own}/domains/app.acme.example/remove")
    admin.submit(asked, "/remove")
    assert reseller.api.get("/v1/resellers/me/domains").json["data"] == []


def test_an_admin_finds_no_look_of_who_is_not_there(people: People, reseller: Person) -> None:
    admin = PageClient(app).sign_in(people.admin.email, PASSWORD)
    other = people.reseller(licenses=1)
    tenant = other.api.post("/v1/resellers/me/tenants", {"name": "Bakery"}).json["id"]
    for path in (
        "rsl_nobody",
        f"rsl_nobody/tenants/{tenant}",
        f"{reseller.reseller_id}/tenants/{tenant}",
    ):
        assert admin.get(f"/admin/resellers/{path}/branding").status == 404


def test_the_sign_in_page_wears_the_brand_and_keeps_it_after_an_error(reseller: Person) -> None:
    look = {"product_name": "Northwind", "primary_color": "#aa0000"}
    reseller.api.put("/v1/resellers/me/branding", look)
    client = PageClient(app)
    page = client.get("/login?reseller=company-1")
    href = re.search(r'href="(/brand\.css\?[^"]*)"', page.text)
    assert href
    css = client.get(href[1].replace("&amp;", "&"))
    assert css.text.startswith(":root{--brand-primary:#aa0000;")
    assert "immutable" in css.headers["Cache-Control"]
    assert "private" in css.headers["Cache-Control"], "a cache between may not know the host"
    assert (
        "immutable"
        not in client.get("/brand.css?reseller=company-1&v=old").headers["Cache-Control"]
    )
    refused = client.submit(page, "/login?reseller=company-1", email="a@b.example", password="x")
    assert refused.status == 401
    assert "<title>Sign in · Northwind</title>" in refused.text


def test_a_stranger_finds_the_platforms_own_look(reseller: Person) -> None:
    client = PageClient(app)
    client.headers["Host"] = "unknown.example.com"
    page = client.get("/login?reseller=nobody-here")
    assert "<title>Sign in · Tenantry</title>" in page.text
    assert "/brand.css" not in page.text


@pytest.fixture(params=["reseller", "tenant"])
def base(request: pytest.FixtureRequest, reseller: Person) -> str:
    """The page of the reseller's own look, or of a tenant's of its, called Northwind Desk."""
    look = {"product_name": "Northwind Desk"}
    if request.param == "reseller":
        reseller.api.put("/v1/resellers/me/branding", look)
        return "/reseller/branding"
    tenant = {"name": "Blue", "branding_config": look}
    made = reseller.api.post("/v1/resellers/me/tenants", tenant).json["id"]
    return f"/reseller/tenants/{made}/branding"


def test_a_domain_is_added_proven_and_removed(
    client: PageClient, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records: list[str] = ["v=spf1 -all"]
    monkeypatch.setattr(
        txt_records, "look_up_txt", lambda _name, value: compare_txt_values(records, value)
    )
    page = client.get(base)
    page = client.follow(client.submit(page, f"{base}/domains", host="Desk.Northwind.example"))
    assert "Now set the record that proves desk.northwind.example is yours." in page.text
    assert "_tenantry.desk.northwind.example" in page.text
    verify = f"{base}/domains/desk.northwind.example/verify"
    missing = client.follow(client.submit(page, verify))
    assert "has another value" in missing.text
    records.append(re.search(r"tenantry-verification=\w+", page.text)[0])  # type: ignore[index]
    proven = client.follow(client.submit(missing, verify))
    assert "desk.northwind.example is verified." in proven.text

    stranger = PageClient(app)
    stranger.headers["Host"] = "desk.northwind.example"
    assert "<title>Sign in · Northwind Desk</title>" in stranger.get("/login").text

    remove = f"{base}/domains/desk.northwind.example/remove"
    gone = client.follow(client.submit(client.get(remove), remove))
    assert "desk.northwind.example is removed." in gone.text
    assert client.get(remove).status == 404
    assert client.submit(proven, verify).status == 404
    assert "<title>Sign in · Tenantry</title>" in stranger.get("/login").text


def test_the_address_of_a_domains_deed_leads_back(client: PageClient, base: str) -> None:
    for deed in ("/domains", "/domains/desk.northwind.example/verify"):
        assert client.get(base + deed).location == f"{base}#domains"


def test_of_another_resellers_tenant_no_domain_is_touched(
    client: PageClient, people: People
) -> None:
    """Byte for byte what a missing one is answered: test_page_access.py."""
    other = people.reseller(licenses=1)
    theirs = other.api.post("/v1/resellers/me/tenants", {"name": "Theirs"}).json["id"]
    form = [("host", "desk.northwind.example"), *client.get("/reseller").form("/logout").fields]
    path = f"/reseller/tenants/{theirs}/branding/domains"
    for address in (path, f"{path}/desk.northwind.example/verify"):
        assert client.post(address, form).status == 404
        assert client.get(address).status == 404
    assert other.api.get("/v1/resellers/me/domains").json["data"] == []


def test_a_host_that_is_none_is_refused_beside_its_field(client: PageClient, base: str) -> None:
    refused = client.submit(client.get(base), f"{base}/domains", host="10.0.0.1")
    assert refused.status == 422
    assert 'id="domain-host-error"' in refused.text
    assert refused.text.count("Use a host name, not an IP address.") == 2  # summary and field


def test_signing_in_works_at_a_custom_domain(
    reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser without Fetch Metadata names the origin that it is at."""
    monkeypatch.setenv("PUBLIC_URL", "https://licenses.example.com")
    settings.cache_clear()
    try:
        client = PageClient(app)
        client.headers = {"Host": "desk.northwind.example"}
        page = client.get("/login")
        client.headers["Origin"] = "https://evil.example"
        forged = client.submit(page, "/login", email=reseller.email, password=PASSWORD)
        assert forged.status == 403
        client.headers["Origin"] = "https://desk.northwind.example"
        landed = client.submit(page, "/login", email=reseller.email, password=PASSWORD)
        assert landed.location == "/reseller"
    finally:
        monkeypatch.undo()
        settings.cache_clear()
