"""The mail outbox: queueing, sending, retries, and giving up."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.errors import VersionConflict
from chalicelib.functions.send_mail import send_mail
from chalicelib.services.identity import users
from chalicelib.services.mail import outbox
from chalicelib.storage.outbox import Mail, MailTemplate
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from infra.local import outbox as local_outbox
from infra.local import table_edits
from infra.local.schedule import run_now
from tests.conftest import TestClock
from tests.support.mail import mails_to, send_due_mail

pytestmark = pytest.mark.usefixtures("tables")

TO = "buyer@example.com"
CONTEXT = {"company_name": "Käse & Söhne", "license_available": 1, "license_count": 5}


@pytest.fixture
def buyer(tables: None) -> User:
    return users.create_user(
        email=TO,
        name="Buyer",
        password="a fine passphrase",
        is_super_admin=False,
        by=Actor("usr_test"),
    )


def queue(user: User, **changes: Any) -> Mail:
    tx = Transaction()
    context = {**CONTEXT, **changes}
    outbox.queue_mail(tx, user, MailTemplate.LICENSES_LOW, context)
    tx.commit()
    return the_mail()


def queue_unknown(user: User) -> None:
    """Queue a mail whose template only a later release has."""
    table_edits.edit(queue(user), template="no_such_template")


def the_mail() -> Mail:
    (row,) = Mail.scan()
    return row


def test_queued_mail_is_sent_once_as_text_and_html(buyer: User) -> None:
    queue(buyer)
    assert run_now("send-mail") == {"sent": 1, "failed": 0, "given_up": 0}
    assert run_now("send-mail")["sent"] == 0
    (sent,) = mails_to(TO)
    assert sent["subject"] == "1 license left for Käse & Söhne"
    assert sent["from"] == "Tenantry <licenses@example.com>"
    assert "Käse & Söhne has 1 of 5" in sent["text"]
    assert "Käse &amp; Söhne has" in sent["html"]
    assert the_mail().due is None
    assert the_mail().sent_at is not None


def test_a_failed_transaction_queues_no_mail(buyer: User) -> None:
    tx = Transaction()
    outbox.queue_mail(tx, buyer, MailTemplate.LICENSES_LOW, CONTEXT)
    tx.update(
        User("usr_unknown"),
        [User.name.set("x")],
        condition=User.id.exists(),
        otherwise=VersionConflict(),
    )
    with pytest.raises(VersionConflict):
        tx.commit()
    assert list(Mail.scan()) == []


def test_failing_mail_is_retried_with_backoff_then_given_up(frozen: TestClock, buyer: User) -> None:
    queue_unknown(buyer)
    delays = []
    while (due_at := the_mail().due_at) is not None:
        delays.append(due_at - frozen.now())
        frozen.advance(due_at - frozen.now())
        report = send_due_mail()
        assert report.failed + report.given_up == 1
    assert delays[:4] == [timedelta(minutes=m) for m in (0, 1, 2, 4)]
    assert max(delays) == timedelta(hours=1)
    row = the_mail()
    assert row.given_up_at is not None
    assert row.last_error == "UnknownTemplate: no_such_template"
    assert row.attempts == len(delays) - 1
    assert row.given_up_at - row.created_at <= timedelta(hours=25)


def test_mail_older_than_a_day_is_given_up_unsent(frozen: TestClock, buyer: User) -> None:
    """This happens, for example, if MAIL_FROM is set weeks after the mail was queued."""
    queue(buyer)
    frozen.advance(timedelta(hours=24, minutes=1))
    assert vars(send_due_mail()) == {"sent": 0, "failed": 0, "given_up": 1}
    assert mails_to(TO) == []
    row = the_mail()
    assert row.due is None
    assert row.given_up_at == frozen.now()
    assert row.last_error == "It was not sent within a day."


def test_given_up_mail_is_sent_when_requeued(frozen: TestClock, buyer: User) -> None:
    queue(buyer)
    table_edits.edit(buyer, email="not an address")
    frozen.advance(timedelta(days=2))
    assert send_due_mail().given_up == 1
    table_edits.edit(the_mail(), due="due", due_at=frozen.now())
    assert vars(send_due_mail()) == {"sent": 0, "failed": 1, "given_up": 1}
    table_edits.edit(the_mail(), due="due", due_at=frozen.now())
    table_edits.edit(buyer, email=TO)
    assert send_due_mail().sent == 1
    assert the_mail().due is None


def test_failing_mail_does_not_stop_other_mail(frozen: TestClock, buyer: User) -> None:
    queue_unknown(buyer)
    tx = Transaction()
    outbox.queue_mail(tx, buyer, MailTemplate.LICENSES_LOW, CONTEXT)
    tx.commit()
    assert vars(send_due_mail()) == {"sent": 1, "failed": 1, "given_up": 0}


def test_mail_refused_by_ses_is_retried(frozen: TestClock, buyer: User) -> None:
    queue(buyer)
    table_edits.edit(buyer, email="not an address")
    assert send_due_mail().failed == 1
    assert "InvalidParameterValue" in str(the_mail().last_error)
    assert send_due_mail().failed == 0, "the retry is not due yet"
    frozen.advance(timedelta(minutes=1))
    assert send_due_mail().failed == 1


def test_a_crash_while_sending_loses_no_mail(
    frozen: TestClock, buyer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(buyer)
    with monkeypatch.context() as crash:
        interrupted = Mock(side_effect=KeyboardInterrupt)
        crash.setattr(outbox, "_send_with_ses", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send_due_mail()
    assert mails_to(TO) == []
    frozen.advance(timedelta(minutes=1))
    assert len(mails_to(TO)) == 1


def test_values_added_when_sending_are_not_stored(buyer: User) -> None:
    queue(buyer)
    outbox.send_due({MailTemplate.LICENSES_LOW: lambda user: {"company_name": f"{user.name}’s"}})
    (sent,) = mails_to(TO)
    assert sent["subject"] == "1 license left for Buyer’s"
    assert the_mail().context == CONTEXT


def test_sending_stops_when_time_runs_out(buyer: User) -> None:
    class NearlyOver:
        def get_remaining_time_in_millis(self) -> int:
            return 1000

    queue(buyer)
    event = {"version": "0", "account": "", "region": "", "detail": {}, "detail-type": ""}
    event |= {"source": "", "time": "", "id": "", "resources": []}
    assert send_mail(event, NearlyOver())["sent"] == 0
    assert the_mail().attempts == 0


def test_a_subject_cannot_inject_headers(buyer: User) -> None:
    queue(buyer, company_name="Acme\nBcc: x@example.com")
    (sent,) = mails_to(TO)
    assert sent["subject"] == "1 license left for Acme"


def test_the_local_outbox_shows_sent_mail(buyer: User) -> None:
    queue(buyer, company_name="<script>alert(1)</script>")
    (sent,) = mails_to(TO)
    listed = local_outbox.handle("/local/outbox")
    assert listed.status == 200
    assert f"/local/outbox/{sent['id']}".encode() in listed.body
    page = local_outbox.handle(f"/local/outbox/{sent['id']}")
    assert page.status == 200
    assert b'<a href="http://127.0.0.1:8000/reseller/licenses">' in page.body
    assert (
        b"<script>" not in page.body + local_outbox.handle(f"/local/outbox/{sent['id']}/html").body
    )
    assert local_outbox.handle("/local/outbox/mai_nothing").status == 404
