"""The reseller's pages of tenants, without a browser and without a script."""

import re
from html import unescape

import pytest

from app import app
from tests.support.page_client import PageClient, PageResponse, create_tenant
from tests.support.people import Person


def test_a_tenant_is_created_and_its_page_says_so_once(
    visitor: PageClient, reseller: Person
) -> None:
    created = create_tenant(visitor, "Blue & Bottle", contact_email="a@example.com")
    page = visitor.follow(created)
    assert "Blue &amp; Bottle was created on one of your licenses." in page.text
    assert "was created" not in visitor.get(created.location).text
    assert reseller.pool == (2, 1)


def test_a_form_sent_twice_creates_one_tenant(visitor: PageClient, reseller: Person) -> None:
    shown = visitor.get("/reseller/tenants?create=1")
    first = visitor.submit(shown, "/reseller/tenants", name="Blue Bottle")
    second = visitor.submit(shown, "/reseller/tenants", name="Blue Bottle")
    assert first.location == second.location
    assert reseller.pool == (2, 1)


def test_going_back_and_filling_in_another_name_creates_another(
    visitor: PageClient, reseller: Person
) -> None:
    shown = visitor.get("/reseller/tenants?create=1")
    first = visitor.submit(shown, "/reseller/tenants", name="Blue Bottle")
    second = visitor.submit(shown, "/reseller/tenants", name="Red Bottle")
    assert first.location != second.location
    assert reseller.pool == (2, 2)


def test_what_was_typed_is_kept_beside_what_is_wrong(visitor: PageClient) -> None:
    refused = create_tenant(visitor, "Blue Bottle", slug="No Slug!", contact_email="nobody")
    assert refused.status == 422
    form = dict(refused.form("/reseller/tenants").fields)
    assert form["name"] == "Blue Bottle"
    assert form["slug"] == "No Slug!"
    assert "lowercase letters" in refused.text
    assert 'id="slug-error"' in refused.text
    assert 'id="contact_email-error"' in refused.text


def test_without_a_free_license_the_form_says_so(visitor: PageClient, reseller: Person) -> None:
    for name in ("One", "Two"):
        create_tenant(visitor, name)
    refused = visitor.post(
        "/reseller/tenants",
        [*visitor.get("/reseller").form("/logout").fields, ("name", "Three")],
    )
    assert refused.status == 409
    assert "All licenses are in use: 2 of 2." in refused.text
    assert reseller.pool == (2, 2)


def test_a_slug_that_is_taken_is_said_beside_the_slug(visitor: PageClient) -> None:
    create_tenant(visitor, "One", slug="same")
    refused = create_tenant(visitor, "Two", slug="same")
    assert refused.status == 409
    assert re.search(r'id="slug-error">.*“same” is taken', refused.text)


def test_editing_keeps_an_eye_on_what_others_changed(visitor: PageClient, reseller: Person) -> None:
    page = visitor.follow(create_tenant(visitor, "Before"))
    path = _tenant_path(page)
    saved = visitor.submit(page, path, name="After")
    assert "Saved." in visitor.follow(saved).text
    late = visitor.submit(page, path, name="Too late")
    assert late.status == 412
    assert "Somebody changed this after you opened it." in late.text
    assert "It is “After” now." in late.text
    assert dict(late.form(path).fields)["name"] == "Too late"
    knowing = visitor.submit(late, path)
    assert knowing.status == 303
    assert "Too late" in visitor.follow(knowing).text


def _tenant_path(page: PageResponse) -> str:
    found = re.search(r"/reseller/tenants/tnt_\w+", page.text)
    assert found
    return found[0]


def test_an_emptied_contact_is_taken_away_and_an_emptied_name_is_not(visitor: PageClient) -> None:
    page = visitor.follow(create_tenant(visitor, "Blue", contact_email="a@example.com"))
    path = _tenant_path(page)
    page = visitor.follow(visitor.submit(page, path, contact_email=""))
    assert "a@example.com" not in page.text
    refused = visitor.submit(page, path, name="")
    assert refused.status == 422
    assert "Please fill this in." in refused.text


def test_deactivating_deleting_and_restoring(visitor: PageClient, reseller: Person) -> None:
    page = visitor.follow(create_tenant(visitor, "Blue Bottle"))
    path = _tenant_path(page)
    page = visitor.follow(visitor.submit(page, path + "/deactivate"))
    assert "Nobody can sign in to this tenant" in page.text
    page = visitor.follow(visitor.submit(page, path + "/reactivate"))
    question = visitor.get(path + "/delete")
    assert "Delete Blue Bottle?" in question.text
    gone = visitor.follow(visitor.submit(question, path + "/delete"))
    assert "its license is free" in gone.text
    assert reseller.pool == (2, 0)
    again = visitor.submit(question, path + "/delete")
    assert again.status == 303
    page = visitor.get(path)
    back = visitor.follow(visitor.submit(page, path + "/restore"))
    assert "is back, active" in back.text
    assert reseller.pool == (2, 1)


@pytest.mark.parametrize("deed", ["deactivate", "reactivate", "restore"])
def test_the_address_of_a_deed_leads_back_and_does_nothing(visitor: PageClient, deed: str) -> None:
    path = _tenant_path(visitor.follow(create_tenant(visitor, "Blue Bottle")))
    before = visitor.get(path).text
    back = visitor.get(f"{path}/{deed}")
    assert back.location == path
    assert visitor.follow(back).text == before


def test_a_tenant_whose_slug_was_taken_is_restored_under_another(visitor: PageClient) -> None:
    page = visitor.follow(create_tenant(visitor, "Bakery"))
    path = _tenant_path(page)
    visitor.submit(visitor.get(path + "/delete"), path + "/delete")
    early = visitor.get(path)
    assert "slug" not in dict(early.form(path + "/restore").fields)
    create_tenant(visitor, "Bakery")
    late = visitor.submit(early, path + "/restore")
    assert late.status == 409
    offered = dict(visitor.get(path).form(path + "/restore").fields)["slug"]
    assert offered.startswith("bakery-")
    assert dict(late.form(path + "/restore").fields)["slug"] == offered
    refused = visitor.submit(late, path + "/restore", slug="bakery")
    assert dict(refused.form(path + "/restore").fields)["slug"] == "bakery"
    assert "is taken" in refused.text
    back = visitor.follow(visitor.submit(late, path + "/restore"))
    assert "is back, active" in back.text
    assert f"tenant={offered}" in back.text


def test_a_tenant_shows_where_it_signs_in(visitor: PageClient) -> None:
    page = visitor.follow(create_tenant(visitor, "Blue Bottle"))
    address = re.search(r'data-copy="http[^"]*(/login\?[^"]*)"', page.text)
    assert address is not None
    assert "Sign in" in PageClient(app).get(unescape(address[1])).text


def test_restoring_without_a_license_says_why(visitor: PageClient) -> None:
    page = visitor.follow(create_tenant(visitor, "One"))
    path = _tenant_path(page)
    visitor.submit(visitor.get(path + "/delete"), path + "/delete")
    deleted = visitor.get(path)
    create_tenant(visitor, "Two")
    create_tenant(visitor, "Three")
    refused = visitor.submit(deleted, path + "/restore")
    assert refused.status == 409
    assert "All licenses are in use" in refused.text


def test_searching_and_narrowing(visitor: PageClient) -> None:
    for name in ("Alpha", "Beta"):
        visitor.follow(create_tenant(visitor, name))
    text = visitor.get("/reseller/tenants?q=al").text
    assert "Alpha" in text
    assert "Beta" not in text
    assert "No tenant matches" in visitor.get("/reseller/tenants?status=inactive").text
    assert visitor.get("/reseller/tenants?status=nonsense").status == 200
    assert visitor.get("/reseller/tenants?cursor=nonsense").status == 422
