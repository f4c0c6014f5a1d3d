"""Read the mail that was sent, as the local outbox shows it."""

from typing import Any

from chalicelib.functions.mails import MAILS
from chalicelib.services.mail.outbox import SendReport, send_due
from infra.local.outbox import sent_mails


def send_due_mail() -> SendReport:
    return send_due(MAILS)


def mails_to(address: str) -> list[dict[str, Any]]:
    """Send all mail that is due, and return every mail sent to this address, oldest first."""
    send_due_mail()
    return [mail for mail in reversed(sent_mails()) if mail["to"] == address]
