"""The admin's user pages, tested without a browser or scripts."""

from tests.support.page_client import PageClient, PageResponse
from tests.support.people import People


def fields_without(page: PageResponse, action: str, *names: str) -> list[tuple[str, str]]:
    """Return the form's fields except `names`, as if those checkboxes were cleared."""
    return [(name, value) for name, value in page.form(action).fields if name not in names]


def test_forms_from_other_sites_are_refused(admin: PageClient, people: People) -> None:
    fields = admin.get("/admin/users?create=1").form("/admin/users").fields
    typed = [("email", "a@example.com"), ("name", "A")]
    without = [(n, v) for n, v in fields if n not in ("csrf_token", "email", "name")]
    assert admin.post("/admin/users", without + typed).status == 403
    forged = [*without, ("csrf_token", "0" * 64), *typed]
    assert admin.post("/admin/users", forged).status == 403
    admin.headers = {"Sec-Fetch-Site": "cross-site"}
    token = [(n, v) for n, v in fields if n == "csrf_token"]
    assert admin.post("/admin/users", without + token + typed).status == 403
    assert len(people.admin.api.get("/v1/users").json["data"]) == 1


def test_submitting_the_form_twice_creates_one_user(admin: PageClient) -> None:
    shown = admin.get("/admin/users?create=1")
    first = admin.submit(shown, "/admin/users", email="Rosa@Example.com", name="Rosa")
    second = admin.submit(shown, "/admin/users", email="Rosa@Example.com", name="Rosa")
    assert first.status == 303
    assert first.location == second.location
    page = admin.follow(first)
    assert "Rosa was created." in page.text
    assert "rosa@example.com" in page.text


def test_invalid_input_for_a_new_user_is_shown_at_the_field(admin: PageClient) -> None:
    shown = admin.get("/admin/users")
    refused = admin.submit(shown, "/admin/users", email="nobody", name="")
    assert refused.status == 422
    assert 'id="email-error"' in refused.text
    assert "Please fill this in." in refused.text
    assert dict(refused.form("/admin/users").fields)["email"] == "nobody"
    taken = admin.submit(shown, "/admin/users", email="admin@example.com", name="Again")
    assert taken.status == 409
    assert "is already in use" in taken.text


def test_the_user_list_is_searched_by_email_prefix(admin: PageClient, people: People) -> None:
    person = people.reseller()
    found = admin.get("/admin/users?q=RESELLER").text
    assert person.email in found
    assert "Company 1" in found
    assert "admin@example.com</span>" not in found
    assert "No user matches" in admin.get("/admin/users?q=zzz").text


def test_a_user_is_edited_and_deactivated(admin: PageClient, people: People) -> None:
    person = people.user()
    path = f"/admin/users/{person.user_id}"
    saved = admin.submit(admin.get(path), path, name="Another Name")
    assert "Another Name" in admin.follow(saved).text
    assert admin.post(path, fields_without(admin.get(path), path, "is_active")).status == 303
    assert "Inactive" in admin.get(path).text


def test_a_conflicting_edit_of_a_user_must_be_confirmed(admin: PageClient, people: People) -> None:
    path = f"/admin/users/{people.user().user_id}"
    page = admin.get(path)
    admin.submit(page, path, name="First")
    conflict = admin.submit(page, path, name="Second")
    assert conflict.status == 412
    assert "What you typed is kept below" in conflict.text
    assert dict(conflict.form(path).fields)["name"] == "Second"
    assert admin.submit(conflict, path).status == 303
    assert "Second" in admin.get(path).text


def test_admins_cannot_deactivate_or_demote_themselves(admin: PageClient, people: People) -> None:
    path = f"/admin/users/{people.admin.user_id}"
    fields = fields_without(admin.get(path), path, "is_active", "is_super_admin")
    assert admin.post(path, fields).status == 303
    assert admin.get("/admin/users").status == 200


def test_admins_cannot_change_their_own_email_on_the_user_page(
    admin: PageClient, people: People
) -> None:
    path = f"/admin/users/{people.admin.user_id}"
    typed = {"email": "thief@example.com", "name": "Changed"}
    assert admin.submit(admin.get(path), path, **typed).status == 303
    user = people.admin.api.get(f"/v1/users/{people.admin.user_id}").json
    assert (user["email"], user["name"]) == (people.admin.email, "Changed")
