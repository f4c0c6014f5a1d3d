"""Every mail has its two templates, an entry in the table, and a place that queues it."""

import ast

import pytest

from chalicelib.functions.mails import MAILS
from chalicelib.services.mail.compose import TEMPLATES
from chalicelib.storage.outbox import MailTemplate
from tests.support.source_layout import PACKAGE

# Parts of the templates of all mails.
SHARED = {"layout.html", "parts.html", "footer.txt"}


def test_each_mail_has_a_template_in_html_and_one_in_plain_text() -> None:
    expected = {f"{template}.{kind}" for template in MailTemplate for kind in ("html", "txt")}
    assert {path.name for path in TEMPLATES.iterdir()} == expected | SHARED


def test_each_mail_has_an_entry_in_the_table() -> None:
    assert set(MAILS) == set(MailTemplate)


@pytest.mark.parametrize("template", MailTemplate)
def test_each_mail_is_queued_by_a_service(template: MailTemplate) -> None:
    assert any(
        isinstance(node, ast.Attribute) and ast.unparse(node) == f"MailTemplate.{template.name}"
        for source in (PACKAGE / "services").rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
    )
