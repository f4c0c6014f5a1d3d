"""The reseller's tenant pages, over HTTP and without JavaScript."""

import re
from html import unescape

from app import app
from tests.support.page_client import PageClient, PageResponse, create_tenant
from tests.support.people import Person


def test_the_page_of_a_new_tenant_confirms_its_creation_once(
    client: PageClient, reseller: Person
) -> None:
    created = create_tenant(client, "Blue & Bottle", contact_email="a@example.com")
    page = client.follow(created)
    assert "Blue &amp; Bottle was created on one of your licenses." in page.text
    assert "was created" not in client.get(created.location).text
    assert reseller.pool == (2, 1)


def test_submitting_a_form_twice_creates_one_tenant(client: PageClient, reseller: Person) -> None:
    shown = client.get("/reseller/tenants?create=1")
    first = client.submit(shown, "/reseller/tenants", name="Blue Bottle")
    second = client.submit(shown, "/reseller/tenants", name="Blue Bottle")
    assert first.location == second.location
    assert reseller.pool == (2, 1)


def test_resubmitting_a_form_with_another_name_creates_another_tenant(
    client: PageClient, reseller: Person
) -> None:
    shown = client.get("/reseller/tenants?create=1")
    first = client.submit(shown, "/reseller/tenants", name="Blue Bottle")
    second = client.submit(shown, "/reseller/tenants", name="Red Bottle")
    assert first.location != second.location
    assert reseller.pool == (2, 2)


def test_a_refused_form_keeps_its_values_and_shows_the_errors(client: PageClient) -> None:
    refused = create_tenant(client, "Blue Bottle", slug="No Slug!", contact_email="nobody")
    assert refused.status == 422
    form = dict(refused.form("/reseller/tenants").fields)
    assert form["name"] == "Blue Bottle"
    assert form["slug"] == "No Slug!"
    assert "lowercase letters" in refused.text
    assert 'id="slug-error"' in refused.text
    assert 'id="contact_email-error"' in refused.text


def test_creating_without_an_unused_license_shows_why(client: PageClient, reseller: Person) -> None:
    for name in ("One", "Two"):
        create_tenant(client, name)
    refused = client.post(
        "/reseller/tenants",
        [*client.get("/reseller").form("/logout").fields, ("name", "Three")],
    )
    assert refused.status == 409
    assert "All licenses are in use (2 of 2)." in refused.text
    assert reseller.pool == (2, 2)


def test_a_taken_slug_is_reported_at_its_field(client: PageClient) -> None:
    create_tenant(client, "One", slug="same")
    refused = create_tenant(client, "Two", slug="same")
    assert refused.status == 409
    assert re.search(r'id="slug-error">.*“same” is already taken', refused.text)


def test_a_stale_edit_form_is_refused_and_shows_the_current_values(
    client: PageClient, reseller: Person
) -> None:
    page = client.follow(create_tenant(client, "Before"))
    path = _tenant_path(page)
    saved = client.submit(page, path, name="After")
    assert "Saved." in client.follow(saved).text
    late = client.submit(page, path, name="Too late")
    assert late.status == 412
    assert "Somebody changed this after you opened it." in late.text
    assert "It is “After” now." in late.text
    assert dict(late.form(path).fields)["name"] == "Too late"
    confirmed = client.submit(late, path)
    assert confirmed.status == 303
    assert "Too late" in client.follow(confirmed).text


def _tenant_path(page: PageResponse) -> str:
    found = re.search(r"/reseller/tenants/tnt_\w+", page.text)
    assert found
    return found[0]


def test_an_empty_contact_is_removed_and_an_empty_name_is_refused(client: PageClient) -> None:
    page = client.follow(create_tenant(client, "Blue", contact_email="a@example.com"))
    path = _tenant_path(page)
    page = client.follow(client.submit(page, path, contact_email=""))
    assert "a@example.com" not in page.text
    refused = client.submit(page, path, name="")
    assert refused.status == 422
    assert "Please fill this in." in refused.text


def test_a_tenant_is_deactivated_deleted_and_restored(client: PageClient, reseller: Person) -> None:
    page = client.follow(create_tenant(client, "Blue Bottle"))
    path = _tenant_path(page)
    page = client.follow(client.submit(page, path + "?action=deactivate"))
    assert "Nobody can sign in to this tenant" in page.text
    page = client.follow(client.submit(page, path + "?action=reactivate"))
    question = client.get(path + "/delete")
    assert "Delete Blue Bottle?" in question.text
    gone = client.follow(client.submit(question, path + "?action=delete"))
    assert "its license is free" in gone.text
    assert reseller.pool == (2, 0)
    again = client.submit(question, path + "?action=delete")
    assert again.status == 303
    page = client.get(path)
    back = client.follow(client.submit(page, path + "?action=restore"))
    assert "is back, active" in back.text
    assert reseller.pool == (2, 1)


def test_a_tenant_whose_slug_is_taken_is_restored_under_another(client: PageClient) -> None:
    page = client.follow(create_tenant(client, "Bakery"))
    path = _tenant_path(page)
    client.submit(client.get(path + "/delete"), path + "?action=delete")
    early = client.get(path)
    assert "slug" not in dict(early.form(path + "?action=restore").fields)
    create_tenant(client, "Bakery")
    late = client.submit(early, path + "?action=restore")
    assert late.status == 409
    offered = dict(client.get(path).form(path + "?action=restore").fields)["slug"]
    assert offered.startswith("bakery-")
    assert dict(late.form(path + "?action=restore").fields)["slug"] == offered
    refused = client.submit(late, path + "?action=restore", slug="bakery")
    assert dict(refused.form(path + "?action=restore").fields)["slug"] == "bakery"
    assert "is already taken" in refused.text
    back = client.follow(client.submit(late, path + "?action=restore"))
    assert "is back, active" in back.text
    assert f"tenant={offered}" in back.text


def test_the_page_shows_the_tenants_sign_in_address(client: PageClient) -> None:
    page = client.follow(create_tenant(client, "Blue Bottle"))
    address = re.search(r'data-copy="http[^"]*(/login\?[^"]*)"', page.text)
    assert address is not None
    assert "Sign in" in PageClient(app).get(unescape(address[1])).text


def test_restoring_without_an_unused_license_shows_why(client: PageClient) -> None:
    page = client.follow(create_tenant(client, "One"))
    path = _tenant_path(page)
    client.submit(client.get(path + "/delete"), path + "?action=delete")
    deleted = client.get(path)
    create_tenant(client, "Two")
    create_tenant(client, "Three")
    refused = client.submit(deleted, path + "?action=restore")
    assert refused.status == 409
    assert "All licenses are in use" in refused.text


def test_the_list_is_searched_and_filtered(client: PageClient) -> None:
    for name in ("Alpha", "Beta"):
        client.follow(create_tenant(client, name))
    text = client.get("/reseller/tenants?q=al").text
    assert "Alpha" in text
    assert "Beta" not in text
    assert "No tenant matches" in client.get("/reseller/tenants?status=inactive").text
    assert client.get("/reseller/tenants?status=nonsense").status == 200
    assert client.get("/reseller/tenants?cursor=nonsense").status == 422
