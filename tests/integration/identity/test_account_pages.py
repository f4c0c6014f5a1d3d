"""One's own account as pages: profile, password, sessions, links by mail."""

import re
from dataclasses import dataclass

import pytest

from app import app
from chalicelib.domain.passwords import LENGTH
from tests.support.mail import mails_to
from tests.support.page_client import PageClient, PageResponse, signed_in
from tests.support.people import PASSWORD, People, Person

NEW_PASSWORD = " four unrelated words! "


@dataclass(frozen=True)
class Own:
    """Somebody's own account. base: where its page is."""

    base: str
    person: Person
    client: PageClient

    def page(self, client: PageClient | None = None) -> PageResponse:
        return (client or self.client).get(self.base)

    def elsewhere(self) -> PageClient:
        """The same person, in another browser."""
        other = PageClient(app)
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Gecko/2010 Firefox/140.0"
        return other.sign_in(self.person.email, PASSWORD)


@pytest.fixture(params=["/reseller/settings", "/account"])
def own(request: pytest.FixtureRequest, people: People) -> Own:
    """A reseller's among its settings, an admin's on a page of its own."""
    person = people.admin if request.param == "/account" else people.reseller(licenses=2)
    return Own(request.param, person, signed_in(person))


def signs_in(email: str, password: str) -> bool:
    client = PageClient(app)
    shown = client.submit(client.get("/login"), "/login", email=email, password=password)
    return shown.status == 303


def settings(client: PageClient) -> PageResponse:
    return client.get("/reseller/settings")


def test_ones_name_is_changed_freely_and_ones_address_with_the_password(
    client: PageClient, reseller: Person
) -> None:
    saved = client.submit(settings(client), "/settings/profile", name="Rosa")
    assert saved.status == 303
    refused = client.submit(settings(client), "/settings/profile", email="new@example.com")
    assert refused.status == 422
    assert 'id="profile-current_password-error"' in refused.text
    assert dict(refused.form("/settings/profile").fields)["email"] == "new@example.com"
    client.submit(refused, "/settings/profile", current_password=PASSWORD)
    assert signs_in("new@example.com", PASSWORD)


def test_an_address_that_is_anothers_is_refused(client: PageClient, people: People) -> None:
    other = people.reseller()
    refused = client.submit(
        settings(client), "/settings/profile", email=other.email, current_password=PASSWORD
    )
    assert refused.status == 409
    assert 'id="profile-email-error"' in refused.text


def test_a_password_is_changed_to_the_letter_and_ends_the_other_sessions(
    own: Own,
) -> None:
    elsewhere = own.elsewhere()
    wrong = own.client.submit(
        own.page(), "/password", current_password="wrong", new_password=NEW_PASSWORD
    )
    assert wrong.status == 422
    assert 'id="password-current_password-error"' in wrong.text
    assert NEW_PASSWORD not in wrong.text
    short = own.client.submit(
        own.page(), "/password", current_password=PASSWORD, new_password="short"
    )
    assert short.status == 422
    assert 'id="password-new_password-error"' in short.text
    assert own.page(elsewhere).status == 200
    changed = own.client.submit(
        own.page(), "/password", current_password=PASSWORD, new_password=NEW_PASSWORD
    )
    assert "Your password is changed." in own.client.follow(changed).text
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
    gone = own.client.follow(own.client.submit(shown, revoke[0]))
    assert "That session is signed out." in gone.text
    assert "Firefox on Linux" not in gone.text
    assert own.page(elsewhere).status == 303
    assert own.page(third).status == 200
    assert own.client.submit(shown, revoke[0]).status == 404


def test_all_other_sessions_are_signed_out_at_once(own: Own) -> None:
    others = [own.elsewhere(), own.elsewhere()]
    ended = own.client.submit(own.page(), "/sessions/revoke-others")
    page = own.client.follow(ended)
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
    assert own.client.get(own.base + deed).location == own.base
    assert own.page(elsewhere).status == 200
    assert signs_in(own.person.email, PASSWORD)


def test_a_forgotten_password_is_set_by_a_mailed_link_once(reseller: Person) -> None:
    client = PageClient(app)
    asked = client.submit(client.get("/password"), "/password", email=reseller.email)
    assert "Check your e-mail" in client.follow(asked).text
    text = mails_to(reseller.email)[-1]["text"]
    link = re.search(r"(/password\?token=\S+)", text)
    assert link
    page = client.get(link[1])
    assert "Choose a new password" in page.text
    unlike = client.submit(page, "/password", new_password=NEW_PASSWORD, repeat_password="other")
    assert unlike.status == 422
    assert 'id="repeat_password-error"' in unlike.text
    done = client.submit(
        unlike, "/password", new_password=NEW_PASSWORD, repeat_password=NEW_PASSWORD
    )
    assert "Your password is set." in client.follow(done).text
    assert signs_in(reseller.email, NEW_PASSWORD)
    assert "This link no longer works" in client.get(link[1]).text
    late = client.submit(page, "/password", new_password="x" * 20, repeat_password="x" * 20)
    assert late.status == 422
    assert "This link no longer works" in late.text


def test_where_a_password_is_chosen_the_page_tells_how_long_it_must_be(
    client: PageClient, reseller: Person
) -> None:
    stranger = PageClient(app)
    stranger.submit(stranger.get("/password"), "/password", email=reseller.email)
    link = re.search(r"(/password\?token=\S+)", mails_to(reseller.email)[-1]["text"])
    assert link
    for shown in (settings(client), stranger.get(link[1])):
        chosen = re.search(r'<input id="[a-z-]*new_password"[^>]*>', shown.text)
        assert chosen
        assert 'type="password"' in chosen[0]
        assert 'autocomplete="new-password"' in chosen[0]  # a manager may fill it in
        assert f'minlength="{LENGTH.start}"' in chosen[0]
        assert f'maxlength="{LENGTH[-1]}"' in chosen[0]
        assert f"At least {LENGTH.start} characters" in shown.text


def test_a_strangers_address_gets_the_same_answer(people: People) -> None:
    client = PageClient(app)
    asked = client.submit(client.get("/password"), "/password", email="stranger@example.com")
    assert "Check your e-mail" in client.follow(asked).text
    assert mails_to("stranger@example.com") == []


def test_an_admins_account_is_a_page_of_its_own(people: People, client: PageClient) -> None:
    admin = signed_in(people.admin)
    saved = admin.submit(admin.get("/account"), "/account/profile", name="Ada")
    assert "Your profile is saved." in admin.follow(saved).text
    assert client.get("/account").location == "/reseller/settings"


@pytest.mark.parametrize(
    "deed", ["profile", "password", "sessions/ses_x/revoke", "sessions/revoke-others", "api-keys"]
)
def test_the_address_of_a_deed_leads_back_to_the_account(people: People, deed: str) -> None:
    admin = signed_in(people.admin)
    assert admin.get(f"/account/{deed}").location.partition("#")[0] == "/account"


def test_an_admin_changes_the_password_and_ends_other_sessions(people: People) -> None:
    email = people.admin.email
    admin, one, two, three = (PageClient(app).sign_in(email, PASSWORD) for _ in range(4))
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
