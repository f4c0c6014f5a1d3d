"""Who gets a mail: an active user, at the address that the user has when it is sent."""

import pytest
from jinja2 import meta

from chalicelib.domain.custom_domains import DomainState, LookupResult, Status, TxtLookup
from chalicelib.services.domains import notices
from chalicelib.services.mail import compose, outbox
from chalicelib.storage.domains import Domain
from chalicelib.storage.outbox import Mail, MailTemplate
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from infra.local import table_edits
from tests.support.mail import mails_to, send_due_mail
from tests.support.people import People, Person

EVERY_MAIL = pytest.mark.parametrize("template", list(MailTemplate))
NEW_ADDRESS = "new.address@example.com"


def sample_context(template: MailTemplate) -> dict[str, object]:
    """Return a value for every variable in the mail's two templates."""
    environment = compose._environment()
    assert environment.loader is not None
    names: set[str] = set()
    for suffix in ("html", "txt"):
        source, _, _ = environment.loader.get_source(environment, f"{template}.{suffix}")
        names |= meta.find_undeclared_variables(environment.parse(source))
    return {name: "usd" if name == "currency" else 1 for name in names - {"brand", "public_url"}}


def queue(person: Person, template: MailTemplate) -> None:
    user = get(User, person.user_id)
    assert user is not None
    tx = Transaction()
    if template is MailTemplate.RESET_PASSWORD:
        outbox.queue_mail_to_address(tx, user.email, template, {"email": user.email})
    else:
        outbox.queue_mail(tx, user, template, sample_context(template))
    tx.commit()


def edit(people: People, person: Person, **changes: object) -> None:
    reply = people.admin.api.patch(f"/v1/users/{person.user_id}", changes)
    assert reply.status == 200, reply.text


@EVERY_MAIL
def test_an_active_user_gets_it(people: People, template: MailTemplate) -> None:
    user = people.user()
    queue(user, template)
    assert len(mails_to(user.email)) == 1


@EVERY_MAIL
def test_a_deactivated_user_gets_none(people: People, template: MailTemplate) -> None:
    user = people.user()
    queue(user, template)
    edit(people, user, is_active=False)
    assert vars(send_due_mail()) == {"sent": 0, "failed": 0, "given_up": 0}
    assert mails_to(user.email) == []
    assert list(Mail.scan()) == [], "it is not tried again"


@EVERY_MAIL
def test_a_changed_address_gets_it(people: People, template: MailTemplate) -> None:
    """The old one may belong to a stranger, and the mail may contain a password link."""
    user = people.user()
    queue(user, template)
    edit(people, user, email=NEW_ADDRESS)
    gets_it = 0 if template is MailTemplate.RESET_PASSWORD else 1
    assert (len(mails_to(user.email)), len(mails_to(NEW_ADDRESS))) == (0, gets_it)
    assert [mail.to for mail in Mail.scan()] == [NEW_ADDRESS] * gets_it


@EVERY_MAIL
def test_a_mail_queued_by_the_last_release_is_for_the_user_with_its_address(
    people: People, template: MailTemplate
) -> None:
    user = people.user()
    queue(user, template)
    (mail,) = Mail.scan()
    table_edits.edit(mail, user_id=None)
    assert len(mails_to(user.email)) == 1


def test_an_invitation_to_a_mistyped_address_is_not_sent_there(people: People) -> None:
    new = {"email": "mistyped@example.com", "name": "New"}
    created = people.admin.api.post("/v1/users", new).json
    people.admin.api.patch(f"/v1/users/{created['id']}", {"email": NEW_ADDRESS})
    assert mails_to("mistyped@example.com") == []
    assert len(mails_to(NEW_ADDRESS)) == 1


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("status", notices.NOTICES)
def test_domain_notices_go_to_the_resellers_user_if_active(
    people: People, status: Status, is_active: bool
) -> None:
    seller = people.reseller()
    domain = Domain(str(seller.reseller_id), "shop.example.com", token="t")
    edit(people, seller, is_active=is_active)
    tx = Transaction()
    missing = TxtLookup(LookupResult.MISSING)
    notices.notify_owner(tx, domain, DomainState(status, None), missing)
    tx.commit()
    assert len(mails_to(seller.email)) == is_active


def test_a_deactivated_resellers_active_user_still_gets_its_mail(people: People) -> None:
    seller = people.reseller()
    path = f"/v1/resellers/{seller.reseller_id}"
    people.admin.api.patch(path, {"is_active": False})
    assert [mail["subject"] for mail in mails_to(seller.email)] == ["Company 1 was deactivated"]
