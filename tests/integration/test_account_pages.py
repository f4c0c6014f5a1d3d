"""One's own account as pages: profile, password, sessions, API keys, links by mail."""

import re
from dataclasses import dataclass

import pytest

from app import app
from chalicelib.api.routing import DECLARED
from chalicelib.domain.passwords import LENGTH
from tests.support.api import Api
from tests.support.mail import mails_to
from tests.support.people import PASSWORD, People, Person
from tests.support.visitor import Shown, Visitor, signed_in

NEW_PASSWORD = " four unrelated words! "


@pytest.fixture
def reseller(people: People) -> Person:
    return people.reseller(licenses=2)


@pytest.fixture
def visitor(reseller: Person) -> Visitor:
    return signed_in(reseller)


@dataclass(frozen=True)
class Own:
    """Somebody's own account. base: where its page is."""

    base: str
    person: Person
    visitor: Visitor

    def page(self, visitor: Visitor | None = None) -> Shown:
        return (visitor or self.visitor).get(self.base)

    def elsewhere(self) -> Visitor:
        """The same person, in another browser."""
        other = Visitor(app)
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Gecko/2010 Firefox/140.0"
        return other.sign_in(self.person.email, PASSWORD)


@pytest.fixture(params=["/reseller/settings", "/account"])
def own(request: pytest.FixtureRequest, people: People) -> Own:
    """A reseller's among its settings, an admin's on a page of its own."""
    person = people.admin if request.param == "/account" else people.reseller(licenses=2)
    return Own(request.param, person, signed_in(person))


def signs_in(email: str, password: str) -> bool:
    visitor = Visitor(app)
    shown = visitor.submit(visitor.get("/login"), "/login", email=email, password=password)
    return shown.status == 303


def settings(visitor: Visitor) -> Shown:
    return visitor.get("/reseller/settings")


def test_ones_name_is_changed_freely_and_ones_address_with_the_password(
    visitor: Visitor, reseller: Person
) -> None:
    saved = visitor.submit(settings(visitor), "/settings/profile", name="Rosa")
    assert saved.status == 303
    refused = visitor.submit(settings(visitor), "/settings/profile", email="new@example.com")
    assert refused.status == 422
    assert 'id="profile-current_password-error"' in refused.text
    assert dict(refused.form("/settings/profile").fields)["email"] == "new@example.com"
    visitor.submit(refused, "/settings/profile", current_password=PASSWORD)
    assert signs_in("new@example.com", PASSWORD)


def test_an_address_that_is_anothers_is_refused(visitor: Visitor, people: People) -> None:
    other = people.reseller()
    refused = visitor.submit(
        settings(visitor), "/settings/profile", email=other.email, current_password=PASSWORD
    )
    assert refused.status == 409
    assert 'id="profile-email-error"' in refused.text


def test_a_password_is_changed_to_the_letter_and_ends_the_other_sessions(
    own: Own,
) -> None:
    elsewhere = own.elsewhere()
    wrong = own.visitor.submit(
        own.page(), "/password", current_password="wrong", new_password=NEW_PASSWORD
    )
    assert wrong.status == 422
    assert 'id="password-current_password-error"' in wrong.text
    assert NEW_PASSWORD not in wrong.text
    short = own.visitor.submit(
        own.page(), "/password", current_password=PASSWORD, new_password="short"
    )
    assert short.status == 422
    assert 'id="password-new_password-error"' in short.text
    assert own.page(elsewhere).status == 200
    changed = own.visitor.submit(
        own.page(), "/password", current_password=PASSWORD, new_password=NEW_PASSWORD
    )
    assert "Your password is changed." in own.visitor.follow(changed).text
    assert own.page(elsewhere).status == 303
    assert not signs_in(own.person.email, NEW_PASSWORD.strip())
    assert signs_in(own.person.email, NEW_PASSWORD)


def test_a_session_elsewhere_is_seen_and_signed_out(own: Own) -> None:
    elsewhere, third = own.elsewhere(), signed_in(own.person)
    shown = own.page()
    assert "Firefox on Linux" in shown.text
    assert shown.text.count("This one") == 1
    item = next(li for li in shown.text.split("<li>") if "Firefox on Linux" in li)
    revoke = re.search(r"/sessions/ses_\w+/revoke", item)
    assert revoke
    gone = own.visitor.follow(own.visitor.submit(shown, revoke[0]))
    assert "That session is signed out." in gone.text
    assert "Firefox on Linux" not in gone.text
    assert own.page(elsewhere).status == 303
    assert own.page(third).status == 200
    assert own.visitor.submit(shown, revoke[0]).status == 404


def test_all_other_sessions_are_signed_out_at_once(own: Own) -> None:
    others = [own.elsewhere(), own.elsewhere()]
    ended = own.visitor.submit(own.page(), "/sessions/revoke-others")
    page = own.visitor.follow(ended)
    assert "Every other session is signed out." in page.text
    assert page.text.count("This one") == 1
    assert "revoke" not in page.text
    assert [own.page(other).status for other in others] == [303, 303]


@pytest.mark.parametrize(
    "deed", ["/profile", "/password", "/sessions/revoke-others", "/sessions/ses_01/revoke"]
)
def test_the_address_of_a_deed_leads_back_and_does_nothing(own: Own, deed: str) -> None:
    """For whoever reloads it, or comes from a link that somebody planted."""
    elsewhere = own.elsewhere()
    assert own.visitor.get(own.base + deed).location == own.base
    assert own.page(elsewhere).status == 200
    assert signs_in(own.person.email, PASSWORD)


def test_a_key_is_shown_once_and_again_where_the_form_is_sent_again(
    visitor: Visitor, reseller: Person
) -> None:
    form = settings(visitor)
    shown = visitor.submit(form, "/settings/api-keys", name="Billing", scopes="read")
    assert shown.status == 200
    key = _shown_key(shown)
    assert reseller.api.as_(key).get("/v1/resellers/me/licenses").status == 200
    again = visitor.submit(form, "/settings/api-keys", name="Billing", scopes="read")
    assert _shown_key(again) == key
    listed = visitor.follow(visitor.get("/reseller/settings/api-keys"))
    assert "Billing" in listed.text
    assert ">Read</td>" in listed.text
    assert key not in listed.text
    revoke = re.search(r"/api-keys/\w+/revoke", listed.text)
    assert revoke
    visitor.submit(visitor.get(f"/reseller/settings{revoke[0]}"), revoke[0])
    assert reseller.api.as_(key).get("/v1/resellers/me/licenses").status == 401


def _shown_key(shown: Shown) -> str:
    found = re.search(r'data-copy="([^"]+)"', shown.text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "Billing"}, "scopes"),
        ({"name": "", "scopes": "read"}, "name"),
        ({"name": "Billing", "scopes": "admin"}, "scopes"),
        ({"name": "Billing", "scopes": "read", "expires_at": "2020-01-01"}, "expires_at"),
        ({"name": "Billing", "scopes": "read", "expires_at": "soon"}, "expires_at"),
    ],
)
def test_a_key_that_can_not_be_made_is_said_beside_its_field(
    visitor: Visitor, typed: dict[str, str], field: str
) -> None:
    refused = visitor.submit(settings(visitor), "/settings/api-keys", **typed)
    assert refused.status == 422
    assert f'id="key-{field}' in refused.text
    assert 'role="alert"' in refused.text


def test_an_api_key_opens_no_page(visitor: Visitor) -> None:
    key = _shown_key(visitor.submit(settings(visitor), "/api-keys", name="K", scopes="read"))
    thief = Visitor(app)
    thief.cookies["__Host-session"] = key
    assert settings(thief).status == 303


def test_a_forgotten_password_is_set_by_a_mailed_link_once(reseller: Person) -> None:
    visitor = Visitor(app)
    asked = visitor.submit(visitor.get("/password"), "/password", email=reseller.email)
    assert "Check your e-mail" in visitor.follow(asked).text
    text = mails_to(reseller.email)[-1]["text"]
    link = re.search(r"(/password\?token=\S+)", text)
    assert link
    page = visitor.get(link[1])
    assert "Choose a new password" in page.text
    unlike = visitor.submit(page, "/password", new_password=NEW_PASSWORD, repeat_password="other")
    assert unlike.status == 422
    assert 'id="repeat_password-error"' in unlike.text
    done = visitor.submit(
        unlike, "/password", new_password=NEW_PASSWORD, repeat_password=NEW_PASSWORD
    )
    assert "Your password is set." in visitor.follow(done).text
    assert signs_in(reseller.email, NEW_PASSWORD)
    assert "This link no longer works" in visitor.get(link[1]).text
    late = visitor.submit(page, "/password", new_password="x" * 20, repeat_password="x" * 20)
    assert late.status == 422
    assert "This link no longer works" in late.text


def test_where_a_password_is_chosen_the_page_tells_how_long_it_must_be(
    visitor: Visitor, reseller: Person
) -> None:
    stranger = Visitor(app)
    stranger.submit(stranger.get("/password"), "/password", email=reseller.email)
    link = re.search(r"(/password\?token=\S+)", mails_to(reseller.email)[-1]["text"])
    assert link
    for shown in (settings(visitor), stranger.get(link[1])):
        chosen = re.search(r'<input id="[a-z-]*new_password"[^>]*>', shown.text)
        assert chosen
        assert 'type="password"' in chosen[0]
        assert 'autocomplete="new-password"' in chosen[0]  # a manager may fill it in
        assert f'minlength="{LENGTH.start}"' in chosen[0]
        assert f'maxlength="{LENGTH[-1]}"' in chosen[0]
        assert f"At least {LENGTH.start} characters" in shown.text


def test_a_strangers_address_gets_the_same_answer(people: People) -> None:
    visitor = Visitor(app)
    asked = visitor.submit(visitor.get("/password"), "/password", email="stranger@example.com")
    assert "Check your e-mail" in visitor.follow(asked).text
    assert mails_to("stranger@example.com") == []


def test_an_admins_account_is_a_page_of_its_own(people: People, visitor: Visitor) -> None:
    admin = signed_in(people.admin)
    saved = admin.submit(admin.get("/account"), "/account/profile", name="Ada")
    assert "Your profile is saved." in admin.follow(saved).text
    assert visitor.get("/account").location == "/reseller/settings"


@pytest.mark.parametrize(
    "deed", ["profile", "password", "sessions/ses_x/revoke", "sessions/revoke-others", "api-keys"]
)
def test_the_address_of_a_deed_leads_back_to_the_account(people: People, deed: str) -> None:
    admin = signed_in(people.admin)
    assert admin.get(f"/account/{deed}").location.partition("#")[0] == "/account"


def test_an_admin_changes_the_password_and_ends_other_sessions(people: People) -> None:
    email = people.admin.email
    admin, one, two, three = (Visitor(app).sign_in(email, PASSWORD) for _ in range(4))
    shown = admin.get("/account")
    revoke = re.search(r"/sessions/ses_\w+/revoke", shown.text)
    assert revoke
    admin.submit(shown, revoke[0])
    assert [person.get("/account").status for person in (one, two, three)].count(303) == 1
    ended = admin.follow(admin.submit(admin.get("/account"), "/sessions/revoke-others"))
    assert "Every other session is signed out." in ended.text
    assert {person.get("/account").status for person in (one, two, three)} == {303}
    changed = admin.submit(
        ended, "/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD
    )
    assert "Your password is changed." in admin.follow(changed).text
    assert signs_in(email, NEW_PASSWORD)


def test_an_admins_keys_are_made_and_revoked_on_that_page(people: People) -> None:
    other = people.reseller(licenses=3)
    admin = signed_in(people.admin)
    form = admin.get("/account")
    shown = admin.submit(form, "/account/api-keys", name="Nightly", scopes="read")
    assert shown.status == 200
    key = _shown_key(shown)
    reach = f"/v1/resellers/{other.reseller_id}/licenses"
    assert people.admin.api.as_(key).get(reach).status == 200
    assert people.admin.api.as_(key).get("/v1/settings").status == 403
    listed = admin.get("/account")
    assert "Nightly" in listed.text
    assert key not in listed.text
    revoke = re.search(r"/account/api-keys/\w+/revoke", listed.text)
    assert revoke
    asked = admin.get(revoke[0])
    assert "Revoke Nightly?" in asked.text
    assert "The key is revoked." in admin.follow(admin.submit(asked, revoke[0])).text
    assert people.admin.api.as_(key).get(reach).status == 401


def test_an_admins_key_that_can_not_be_made_is_said_once(people: People) -> None:
    admin = signed_in(people.admin)
    refused = admin.submit(admin.get("/account"), "/account/api-keys", name="Nightly")
    assert refused.status == 422
    assert refused.text.count('id="key-scopes-error"') == 1
    assert refused.text.count("Choose at least one.") == 2  # in the summary and beside the field


def test_admin_keys_are_for_admins_alone(people: People, visitor: Visitor) -> None:
    plain = people.user()
    somebody = signed_in(plain)
    page = somebody.get("/account")
    assert page.status == 200
    assert "API keys" not in page.text
    for person in (somebody, visitor):
        token = person.get("/account" if person is somebody else "/reseller").form("/logout")
        assert person.post("/account/api-keys", token.fields).status == 403
        assert person.get("/account/api-keys/key_x/revoke").status == 403


def test_who_is_both_has_the_keys_of_both(people: People) -> None:
    both = people.reseller(licenses=1)
    people.admin.api.patch(f"/v1/users/{both.user_id}", {"is_super_admin": True})
    person = signed_in(both)
    made = person.submit(person.get("/account"), "/account/api-keys", name="A", scopes="admin")
    assert people.admin.api.as_(_shown_key(made)).get("/v1/settings").status == 200
    assert "No keys" in person.get("/reseller/settings").text
    assert "No keys" not in person.get("/account").text


def test_the_api_is_told_to_people_whole(api: Api) -> None:
    shown = Visitor(app).get("/docs")
    assert shown.status == 200
    for route in DECLARED:
        assert f'<code class="break">{route.path}</code>' in shown.text
    objects = Visitor(app).get("/docs/objects").text
    linked = set(re.findall(r'href="/docs/objects#(\w+)"', shown.text + objects))
    assert "NewTenant" in linked
    assert linked <= set(re.findall(r' id="(\w+)"', objects))
    assert "licenses_exhausted" in shown.text
