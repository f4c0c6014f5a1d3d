"""Account pages: profile, password, sessions, and password links."""

import re
from dataclasses import dataclass
from html import unescape

import pytest

from app import app
from chalicelib.domain.passwords import LENGTH
from tests.support.mail import mails_to
from tests.support.page_client import PageClient, PageResponse, signed_in
from tests.support.people import PASSWORD, People, Person

NEW_PASSWORD = " four unrelated words! "


@dataclass(frozen=True)
class Account:
    """A user with an account page, whose path is `base`."""

    base: str
    person: Person
    client: PageClient

    def page(self, client: PageClient | None = None) -> PageResponse:
        return (client or self.client).get(self.base)

    def other_browser(self) -> PageClient:
        """Sign the same user in from another browser."""
        other = PageClient(app)
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Gecko/2010 Firefox/140.0"
        return other.sign_in(self.person.email, PASSWORD)


@pytest.fixture(params=["/reseller/settings", "/account"])
def account(request: pytest.FixtureRequest, people: People) -> Account:
    """A reseller with its settings page, or an admin with the separate account page."""
    person = people.admin if request.param == "/account" else people.reseller(licenses=2)
    return Account(request.param, person, signed_in(person))


def can_sign_in(email: str, password: str) -> bool:
    client = PageClient(app)
    response = client.submit(client.get("/login"), "/login", email=email, password=password)
    return response.status == 303


def settings(client: PageClient) -> PageResponse:
    return client.get("/reseller/settings")


def test_changing_the_email_requires_the_password_and_changing_the_name_does_not(
    client: PageClient, reseller: Person
) -> None:
    saved = client.submit(settings(client), "/settings?action=profile", name="Rosa")
    assert saved.status == 303
    refused = client.submit(settings(client), "/settings?action=profile", email="new@example.com")
    assert refused.status == 422
    assert 'id="profile-current_password-error"' in refused.text
    assert dict(refused.form("/settings?action=profile").fields)["email"] == "new@example.com"
    client.submit(refused, "/settings?action=profile", current_password=PASSWORD)
    assert can_sign_in("new@example.com", PASSWORD)


def test_the_email_of_another_user_is_refused(client: PageClient, people: People) -> None:
    other = people.reseller()
    refused = client.submit(
        settings(client), "/settings?action=profile", email=other.email, current_password=PASSWORD
    )
    assert refused.status == 409
    assert 'id="profile-email-error"' in refused.text


def test_a_new_password_keeps_its_spaces_and_ends_other_sessions(account: Account) -> None:
    other_browser = account.other_browser()
    wrong = account.client.submit(
        account.page(), "?action=password", current_password="wrong", new_password=NEW_PASSWORD
    )
    assert wrong.status == 422
    assert 'id="password-current_password-error"' in wrong.text
    assert NEW_PASSWORD not in wrong.text
    short = account.client.submit(
        account.page(), "?action=password", current_password=PASSWORD, new_password="short"
    )
    assert short.status == 422
    assert 'id="password-new_password-error"' in short.text
    assert account.page(other_browser).status == 200
    changed = account.client.submit(
        account.page(), "?action=password", current_password=PASSWORD, new_password=NEW_PASSWORD
    )
    assert "Your password is changed." in account.client.follow(changed).text
    assert account.page(other_browser).status == 303
    assert not can_sign_in(account.person.email, NEW_PASSWORD.strip())
    assert can_sign_in(account.person.email, NEW_PASSWORD)


def test_a_session_in_another_browser_is_listed_and_can_be_signed_out(account: Account) -> None:
    other_browser, third = account.other_browser(), signed_in(account.person)
    shown = account.page()
    assert "Firefox on Linux" in shown.text
    assert shown.text.count("This one") == 1
    item = next(li for li in shown.text.split("<li>") if "Firefox on Linux" in li)
    revoke = re.search(r"\?action=revoke-session&(?:amp;)?id=ses_\w+", item)
    assert revoke
    page = account.client.follow(account.client.submit(shown, unescape(revoke[0])))
    assert "That session is signed out." in page.text
    assert "Firefox on Linux" not in page.text
    assert account.page(other_browser).status == 303
    assert account.page(third).status == 200
    assert account.client.submit(shown, unescape(revoke[0])).status == 404


def test_signing_out_all_other_sessions(account: Account) -> None:
    others = [account.other_browser(), account.other_browser()]
    ended = account.client.submit(account.page(), "?action=revoke-other-sessions")
    page = account.client.follow(ended)
    assert "Every other session is signed out." in page.text
    assert page.text.count("This one") == 1
    assert "revoke-session" not in page.text
    assert [account.page(other).status for other in others] == [303, 303]


@pytest.mark.parametrize(
    "action", ["profile", "password", "revoke-other-sessions", "revoke-session&id=ses_01"]
)
def test_opening_the_url_of_a_form_action_shows_the_page_and_changes_nothing(
    account: Account, action: str
) -> None:
    """Such a request can come from reloading after a form was sent, or from an attacker's link."""
    other_browser = account.other_browser()
    assert account.client.get(f"{account.base}?action={action}").status == 200
    assert account.page(other_browser).status == 200
    assert can_sign_in(account.person.email, PASSWORD)


def test_a_mailed_link_resets_a_forgotten_password_once(reseller: Person) -> None:
    client = PageClient(app)
    requested = client.submit(client.get("/password"), "/password", email=reseller.email)
    assert "Check your e-mail" in client.follow(requested).text
    text = mails_to(reseller.email)[-1]["text"]
    link = re.search(r"(/password\?token=\S+)", text)
    assert link
    page = client.get(link[1])
    assert "Choose a new password" in page.text
    mismatch = client.submit(page, "/password", new_password=NEW_PASSWORD, repeat_password="other")
    assert mismatch.status == 422
    assert 'id="repeat_password-error"' in mismatch.text
    done = client.submit(
        mismatch, "/password", new_password=NEW_PASSWORD, repeat_password=NEW_PASSWORD
    )
    assert "Your password is set." in client.follow(done).text
    assert can_sign_in(reseller.email, NEW_PASSWORD)
    assert "This link no longer works" in client.get(link[1]).text
    reused = client.submit(page, "/password", new_password="x" * 20, repeat_password="x" * 20)
    assert reused.status == 422
    assert "This link no longer works" in reused.text


def test_new_password_fields_state_the_required_length(
    client: PageClient, reseller: Person
) -> None:
    visitor = PageClient(app)
    visitor.submit(visitor.get("/password"), "/password", email=reseller.email)
    link = re.search(r"(/password\?token=\S+)", mails_to(reseller.email)[-1]["text"])
    assert link
    for shown in (settings(client), visitor.get(link[1])):
        field = re.search(r'<input id="[a-z-]*new_password"[^>]*>', shown.text)
        assert field
        assert 'type="password"' in field[0]
        assert 'autocomplete="new-password"' in field[0]  # lets password managers fill it in
        assert f'minlength="{LENGTH.start}"' in field[0]
        assert f'maxlength="{LENGTH[-1]}"' in field[0]
        assert f"At least {LENGTH.start} characters" in shown.text


def test_a_reset_request_for_an_unknown_email_shows_the_same_page(people: People) -> None:
    client = PageClient(app)
    requested = client.submit(client.get("/password"), "/password", email="unknown@example.com")
    assert "Check your e-mail" in client.follow(requested).text
    assert mails_to("unknown@example.com") == []


def test_admins_have_a_separate_account_page(people: People, client: PageClient) -> None:
    admin = signed_in(people.admin)
    saved = admin.submit(admin.get("/account"), "/account?action=profile", name="Ada")
    assert "Your profile is saved." in admin.follow(saved).text
    assert client.get("/account").location == "/reseller/settings"


def test_an_admin_ends_other_sessions_and_changes_the_password(people: People) -> None:
    email = people.admin.email
    admin, one, two, three = (PageClient(app).sign_in(email, PASSWORD) for _ in range(4))
    shown = admin.get("/account")
    revoke = re.search(r"\?action=revoke-session&(?:amp;)?id=ses_\w+", shown.text)
    assert revoke
    admin.submit(shown, unescape(revoke[0]))
    assert [person.get("/account").status for person in (one, two, three)].count(303) == 1
    ended = admin.follow(admin.submit(admin.get("/account"), "?action=revoke-other-sessions"))
    assert "Every other session is signed out." in ended.text
    assert {person.get("/account").status for person in (one, two, three)} == {303}
    changed = admin.submit(
        ended, "/account?action=password", current_password=PASSWORD, new_password=NEW_PASSWORD
    )
    assert "Your password is changed." in admin.follow(changed).text
    assert can_sign_in(email, NEW_PASSWORD)
