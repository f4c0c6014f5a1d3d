"""/local/outbox: the emails sent so far, read from moto's SES."""

import json
from datetime import datetime
from email import message_from_string, policy
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import Any

from infra.local.aws import REGION
from infra.local.gateway import LocalResponse

PREFIX = "/local/outbox"
STYLE = Path(__file__).with_name("outbox.css").read_text()


def serves(path: str) -> bool:
    return path in (PREFIX, f"{PREFIX}.json") or path.startswith(f"{PREFIX}/")


def handle(path: str) -> LocalResponse:
    """Answer GET /local/outbox, /local/outbox.json, /local/outbox/{id}, and …/{id}/html."""
    mails = sent_mails()
    if path == f"{PREFIX}.json":
        return _respond(200, "application/json", json.dumps({"data": mails}))
    if path == PREFIX:
        return _page("Outbox", _mail_list(mails))
    mail_id, _, part = path.removeprefix(f"{PREFIX}/").partition("/")
    mail = next((mail for mail in mails if mail["id"] == mail_id), None)
    if mail is None or part not in ("", "html"):
        return _page("Not found", "<p>This email does not exist.</p>", 404)
    if part == "html":
        return _respond(200, "text/html", mail["html"])
    return _page(mail["subject"], _mail_view(mail))


def sent_mails() -> list[dict[str, Any]]:
    """Return all emails, newest first, each with id, at, to, from, subject, text, and html."""
    return [_parse(message.raw_data) for message in reversed(_moto_messages())]


def _moto_messages() -> list[Any]:
    from moto.backends import get_backend
    from moto.core.models import DEFAULT_ACCOUNT_ID

    messages: list[Any] = get_backend("ses")[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    return messages


def _parse(raw: str) -> dict[str, Any]:
    message = message_from_string(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - this policy creates no other class
    return {
        "id": message["Message-ID"].strip("<>").partition("@")[0],
        "at": message["Date"].datetime.isoformat(),
        "to": str(message["To"]),
        "from": str(message["From"]),
        "subject": str(message["Subject"]),
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""


def _mail_list(mails: list[dict[str, Any]]) -> str:
    if not mails:
        return "<p class=none>No emails sent yet. This page refreshes every 5 seconds.</p>"
    rows = "".join(
        f'<li><a href="{PREFIX}/{escape(mail["id"])}"><b>{escape(mail["subject"])}</b>'
        f"<span>{escape(mail['to'])}</span><time>{_format_time(mail['at'])}</time></a></li>"
        for mail in mails
    )
    return f"<ul>{rows}</ul>"


def _format_time(at: str) -> str:
    time = datetime.fromisoformat(at)
    return f"{time.day} {time:%b %Y, %H:%M} UTC"


def _mail_view(mail: dict[str, Any]) -> str:
    """Show the HTML in a sandboxed frame: scripts don't run, and links open in the whole window."""
    return (
        f"<p><a href={PREFIX}>← All emails</a></p>"
        f"<dl><dt>To</dt><dd>{escape(mail['to'])}</dd><dt>From</dt><dd>{escape(mail['from'])}</dd>"
        f"<dt>Sent</dt><dd>{_format_time(mail['at'])}</dd></dl>"
        '<iframe title="Email" sandbox="allow-top-navigation-by-user-activation" '
        f'src="{PREFIX}/{escape(mail["id"])}/html"></iframe>'
        f"<details><summary>Plain text</summary><pre>{_linkify(mail['text'])}</pre></details>"
    )


def _linkify(text: str) -> str:
    words = [
        f'<a href="{word}">{word}</a>' if word.startswith(("http://", "https://")) else word
        for word in escape(text).replace("\n", " \n ").split(" ")
    ]
    return " ".join(words).replace(" \n ", "\n")


def _page(title: str, body: str, status: int = 200) -> LocalResponse:
    refresh = '<meta http-equiv="refresh" content="5">' if title == "Outbox" else ""
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{refresh}<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return _respond(status, "text/html", document)


def _respond(status: int, media_type: str, text: str) -> LocalResponse:
    base = '<base target="_top">' if media_type == "text/html" else ""
    body = text.replace("<head>", f"<head>{base}", 1).encode()
    return LocalResponse(status, [("Content-Type", f"{media_type}; charset=utf-8")], body)
