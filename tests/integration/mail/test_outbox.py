"""Mail: queued with its effect, sent by the schedule, tried again, given up on record."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import VersionConflict
from chalicelib.functions.send_mail import send_mail
from chalicelib.services.mail import outbox as mail
from chalicelib.storage.outbox import Mail
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from infra.local import outbox, table_edits
from infra.local.schedule import run_now
from tests.conftest import TestClock
from tests.support.mail import mails_to

pytestmark = pytest.mark.usefixtures("tables")

TO = "buyer@example.com"
CONTEXT = {"company_name": "Käse & Söhne", "license_available": 1, "license_count": 5}


def queue(**changes: Any) -> Mail:
    tx = Transaction()
    mail.queue_mail(tx, **{"to": TO, "template": "licenses_low", "context": CONTEXT, **changes})
    tx.commit()
    return the_mail()


def the_mail() -> Mail:
    (row,) = Mail.scan()
    return row


def test_queued_mail_goes_out_once_in_text_and_html() -> None:
    queue()
    assert run_now("send-mail") == {"sent": 1, "failed": 0, "given_up": 0}
    assert run_now("send-mail")["sent"] == 0
    (sent,) = mails_to(TO)
    assert sent["subject"] == "1 license left for Käse & Söhne"
    assert sent["from"] == "Tenantry <licenses@example.com>"
    assert "Käse & Söhne has 1 of 5" in sent["text"]
    assert "Käse &amp; Söhne has" in sent["html"]
    assert the_mail().due is None
    assert the_mail().sent_at is not None


def test_no_mail_for_what_did_not_happen() -> None:
    tx = Transaction()
    mail.queue_mail(tx, to=TO, template="licenses_low", context=CONTEXT)
    tx.update(
        User("usr_nobody"),
        [User.name.set("x")],
        condition=User.id.exists(),
        otherwise=VersionConflict(),
    )
    with pytest.raises(VersionConflict):
        tx.commit()
    assert list(Mail.scan()) == []


def test_failures_back_off_then_are_given_up_on_record(frozen: TestClock) -> None:
    queue(template="no_such_template")
    pauses = []
    while (due_at := the_mail().due_at) is not None:
        pauses.append(due_at - frozen.now())
        frozen.advance(due_at - frozen.now())
        report = mail.send_due()
        assert report.failed + report.given_up == 1
    assert pauses[:4] == [timedelta(minutes=m) for m in (0, 1, 2, 4)]
    assert max(pauses) == timedelta(hours=1)
    row = the_mail()
    assert row.given_up_at is not None
    assert str(row.last_error).startswith("TemplateNotFound: 'no_such_template.txt'")
    assert row.attempts == len(pauses) - 1
    assert row.given_up_at - row.created_at <= timedelta(hours=25)


def test_what_waited_too_long_is_given_up_unsent(frozen: TestClock) -> None:
    """MAIL_FROM was set weeks after it was queued: nobody waits for it any more."""
    queue()
    frozen.advance(timedelta(hours=24, minutes=1))
    assert vars(mail.send_due()) == {"sent": 0, "failed": 0, "given_up": 1}
    assert mails_to(TO) == []
    row = the_mail()
    assert row.due is None
    assert row.given_up_at == frozen.now()
    assert row.last_error == "It was not sent within a day."


def test_what_was_given_up_is_sent_when_a_person_wants_it(frozen: TestClock) -> None:
    queue(to="not an address")
    frozen.advance(timedelta(days=2))
    assert mail.send_due().given_up == 1
    table_edits.edit(the_mail(), due="due", due_at=frozen.now())
    assert vars(mail.send_due()) == {"sent": 0, "failed": 1, "given_up": 1}
    table_edits.edit(the_mail(), due="due", due_at=frozen.now(), to=TO)
    assert mail.send_due().sent == 1
    assert the_mail().due is None


def test_a_failing_mail_stops_no_other(frozen: TestClock) -> None:
    queue(template="no_such_template")
    tx = Transaction()
    mail.queue_mail(tx, to=TO, template="licenses_low", context=CONTEXT)
    tx.commit()
    assert vars(mail.send_due()) == {"sent": 1, "failed": 1, "given_up": 0}


def test_what_ses_refuses_is_tried_again(frozen: TestClock) -> None:
    queue(to="not an address")
    assert mail.send_due().failed == 1
    assert "InvalidParameterValue" in str(the_mail().last_error)
    assert mail.send_due().failed == 0, "not before its pause is over"
    frozen.advance(timedelta(minutes=1))
    assert mail.send_due().failed == 1


def test_a_crash_after_sending_began_loses_no_mail(
    frozen: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue()
    with monkeypatch.context() as crash:
        crash.setattr(mail, "_send", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mail.send_due()
    assert mails_to(TO) == []
    frozen.advance(timedelta(minutes=1))
    assert len(mails_to(TO)) == 1


def test_what_is_prepared_at_sending_time_is_never_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = {"licenses_low": lambda stored: {**stored, "company_name": "prepared just now"}}
    monkeypatch.setattr(mail, "CONTEXT_BUILDERS", prepare)
    queue()
    (sent,) = mails_to(TO)
    assert "prepared just now" in sent["text"]
    assert the_mail().context == CONTEXT


def test_it_stops_when_its_time_is_up() -> None:
    class NearlyOver:
        def get_remaining_time_in_millis(self) -> int:
            return 1000

    queue()
    event = {"version": "0", "account": "", "region": "", "detail": {}, "detail-type": ""}
    event |= {"source": "", "time": "", "id": "", "resources": []}
    assert send_mail(event, NearlyOver())["sent"] == 0
    assert the_mail().attempts == 0


def test_a_subject_cannot_smuggle_headers() -> None:
    queue(context={**CONTEXT, "company_name": "Acme\nBcc: x@example.com"})
    (sent,) = mails_to(TO)
    assert sent["subject"] == "1 license left for Acme"


def test_the_local_outbox_shows_it() -> None:
    queue(context={**CONTEXT, "company_name": "<script>alert(1)</script>"})
    (sent,) = mails_to(TO)
    listed = outbox.handle("/local/outbox")
    assert listed.status == 200
    assert f"/local/outbox/{sent['id']}".encode() in listed.body
    page = outbox.handle(f"/local/outbox/{sent['id']}")
    assert page.status == 200
    assert b'<a href="http://127.0.0.1:8000/reseller/licenses">' in page.body
    assert b"<script>" not in page.body + outbox.handle(f"/local/outbox/{sent['id']}/html").body
    assert outbox.handle("/local/outbox/mai_nothing").status == 404
