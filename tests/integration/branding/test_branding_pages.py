"""The branding and custom domain pages, and the branding of the sign-in page."""

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


def test_fields_can_be_set_reset_and_cleared(client: PageClient, reseller: Person) -> None:
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


def test_a_concurrent_branding_edit_is_reported_but_a_license_change_is_not(
    client: PageClient, reseller: Person
) -> None:
    page = client.get("/reseller/branding")
    reseller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    assert client.submit(page, "/reseller/branding", product_name="First").status == 303
    late = client.submit(page, "/reseller/branding", accent_color="#112233")
    assert late.status == 412
    assert branding(reseller) == {"product_name": "First"}
    assert dict(late.form("/reseller/branding").fields)["accent_color"] == "#112233"


def test_low_contrast_with_an_inherited_color_is_shown_next_to_the_field(
    client: PageClient, reseller: Person
) -> None:
    reseller.api.put("/v1/resellers/me/branding", {"background_color": "#000000"})
    tenant = reseller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json["id"]
    path = f"/reseller/tenants/{tenant}/branding"
    refused = client.submit(client.get(path), path, text_color="#333333")
    assert refused.status == 422
    assert 'id="text_color-error"' in refused.text
    assert "The nearest color that passes is" in refused.text


def test_errors_are_shown_next_to_their_fields(client: PageClient, reseller: Person) -> None:
    page = client.get("/reseller/branding")
    refused = client.submit(
        page, "/reseller/branding", primary_color="red", logo_url="javascript:alert(1)"
    )
    assert refused.status == 422
    assert 'id="primary_color-error"' in refused.text
    assert 'id="logo_url-error"' in refused.text
    assert branding(reseller) == {}


def test_a_tenants_branding_overrides_its_resellers(client: PageClient, reseller: Person) -> None:
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


def test_an_admin_can_edit_any_resellers_and_tenants_branding(
    people: People, reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = reseller.api.post("/v1/resellers/me/tenants", {"name": "Bakery"}).json["id"]
    admin = PageClient(app).sign_in(people.admin.email, PASSWORD)
    account = f"/admin/resellers/{reseller.reseller_id}"
    path = f"{account}/branding"
    assert f'href="{path}"' in admin.get(account).text
    page = admin.get(path)
    assert "Branding of Company 1" in page.text
    saved = admin.submit(page, path, product_name="Northwind Desk")
    assert saved.location == path
    assert branding(reseller) == {"product_name": "Northwind Desk"}
    (entry, *_) = reseller.api.get("/v1/resellers/me/audit").json["data"]
    assert (entry["action"], entry["actor"]) == (
        "reseller.branding_changed",
        people.admin.user_id,
    )
    tenant_path = f"{account}/tenants/{tenant}/branding"
    assert f'href="{tenant_path}"' in admin.get(f"{account}/tenants/{tenant}").text
    shown = admin.follow(admin.submit(admin.get(tenant_path), tenant_path, accent_color="#112233"))
    assert "From the reseller" in shown.text
    stored = reseller.api.get(f"/v1/resellers/me/tenants/{tenant}/branding").json
    assert stored["own"] == {"accent_color": "#112233"}
    monkeypatch.setattr(
        txt_records, "look_up_txt", lambda _name, value: compare_txt_values([value], value)
    )
    listed = admin.follow(
        admin.submit(shown, f"{tenant_path}?action=add-domain", host="app.acme.example")
    )
    assert "app.acme.example" in listed.text
    admin.submit(listed, f"{tenant_path}?action=verify-domain&host=app.acme.example")
    (domain,) = reseller.api.get("/v1/resellers/me/domains").json["data"]
    assert (domain["status"], domain["tenant_id"]) == ("verified", tenant)
    confirmation = admin.get(f"{path}/domains/app.acme.example/remove")
    admin.submit(confirmation, "/remove")
    assert reseller.api.get("/v1/resellers/me/domains").json["data"] == []


def test_branding_pages_of_missing_resellers_and_tenants_are_not_found(
    people: People, reseller: Person
) -> None:
    admin = PageClient(app).sign_in(people.admin.email, PASSWORD)
    other = people.reseller(licenses=1)
    tenant = other.api.post("/v1/resellers/me/tenants", {"name": "Bakery"}).json["id"]
    for path in (
        "rsl_nobody",
        f"rsl_nobody/tenants/{tenant}",
        f"{reseller.reseller_id}/tenants/{tenant}",
    ):
        assert admin.get(f"/admin/resellers/{path}/branding").status == 404


def test_the_sign_in_page_keeps_its_branding_after_an_error(reseller: Person) -> None:
    document = {"product_name": "Northwind", "primary_color": "#aa0000"}
    reseller.api.put("/v1/resellers/me/branding", document)
    client = PageClient(app)
    page = client.get("/login?reseller=company-1")
    href = re.search(r'href="(/brand\.css\?[^"]*)"', page.text)
    assert href
    css = client.get(href[1].replace("&amp;", "&"))
    assert css.text.startswith(":root{--brand-primary:#aa0000;")
    assert "immutable" in css.headers["Cache-Control"]
    assert "private" in css.headers["Cache-Control"], "a shared cache does not vary by host"
    assert (
        "immutable"
        not in client.get("/brand.css?reseller=company-1&v=old").headers["Cache-Control"]
    )
    refused = client.submit(page, "/login?reseller=company-1", email="a@b.example", password="x")
    assert refused.status == 401
    assert "<title>Sign in · Northwind</title>" in refused.text


def test_an_unknown_reseller_gets_the_platforms_branding(reseller: Person) -> None:
    client = PageClient(app)
    client.headers["Host"] = "unknown.example.com"
    page = client.get("/login?reseller=nobody-here")
    assert "<title>Sign in · Tenantry</title>" in page.text
    assert "/brand.css" not in page.text


@pytest.fixture(params=["reseller", "tenant"])
def base(request: pytest.FixtureRequest, reseller: Person) -> str:
    """Return the path of a branding page with the product name Northwind Desk."""
    document = {"product_name": "Northwind Desk"}
    if request.param == "reseller":
        reseller.api.put("/v1/resellers/me/branding", document)
        return "/reseller/branding"
    tenant = {"name": "Blue", "branding_config": document}
    made = reseller.api.post("/v1/resellers/me/tenants", tenant).json["id"]
    return f"/reseller/tenants/{made}/branding"


def test_a_domain_is_added_verified_and_removed(
    client: PageClient, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records: list[str] = ["v=spf1 -all"]
    monkeypatch.setattr(
        txt_records, "look_up_txt", lambda _name, value: compare_txt_values(records, value)
    )
    page = client.get(base)
    page = client.follow(
        client.submit(page, f"{base}?action=add-domain", host="Desk.Northwind.example")
    )
    assert "Now set the record that proves desk.northwind.example is yours." in page.text
    assert "_tenantry.desk.northwind.example" in page.text
    verify = f"{base}?action=verify-domain&host=desk.northwind.example"
    missing = client.follow(client.submit(page, verify))
    assert "has a different value" in missing.text
    records.append(re.search(r"tenantry-verification=\w+", page.text)[0])  # type: ignore[index]
    verified = client.follow(client.submit(missing, verify))
    assert "desk.northwind.example is verified." in verified.text

    visitor = PageClient(app)
    visitor.headers["Host"] = "desk.northwind.example"
    assert "<title>Sign in · Northwind Desk</title>" in visitor.get("/login").text

    remove = f"{base}/domains/desk.northwind.example/remove"
    removed = client.follow(client.submit(client.get(remove), remove))
    assert "desk.northwind.example is removed." in removed.text
    assert client.get(remove).status == 404
    assert client.submit(verified, verify).status == 404
    assert "<title>Sign in · Tenantry</title>" in visitor.get("/login").text


def test_a_domain_action_opened_by_get_shows_the_page(client: PageClient, base: str) -> None:
    for action in ("add-domain", "verify-domain&host=desk.northwind.example"):
        assert client.get(f"{base}?action={action}").status == 200


def test_domains_of_another_resellers_tenant_are_not_found(
    client: PageClient, people: People
) -> None:
    """test_page_access.py checks that the response is the same as for a missing tenant."""
    other = people.reseller(licenses=1)
    theirs = other.api.post("/v1/resellers/me/tenants", {"name": "Theirs"}).json["id"]
    form = [("host", "desk.northwind.example"), *client.get("/reseller").form("/logout").fields]
    path = f"/reseller/tenants/{theirs}/branding"
    verify = f"{path}?action=verify-domain&host=desk.northwind.example"
    for address in (f"{path}?action=add-domain", verify):
        assert client.post(address, form).status == 404
        assert client.get(address).status == 404
    assert other.api.get("/v1/resellers/me/domains").json["data"] == []


def test_an_invalid_host_is_refused_next_to_its_field(client: PageClient, base: str) -> None:
    refused = client.submit(client.get(base), f"{base}?action=add-domain", host="10.0.0.1")
    assert refused.status == 422
    assert 'id="domain-host-error"' in refused.text
    assert refused.text.count("Use a host name, not an IP address.") == 2  # summary and field


def test_signing_in_works_at_a_custom_domain(
    reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers that don't send Fetch Metadata send the page's origin instead."""
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
