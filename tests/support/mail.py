"""The mail that went out, as the local outbox shows it."""

from typing import Any

from chalicelib.services.mail.outbox import send_due
from infra.local.outbox import sent_mails


def mails_to(address: str) -> list[dict[str, Any]]:
    """Send what is due; everything ever sent to this address, oldest first."""
    send_due()
    return [mail for mail in reversed(sent_mails()) if mail["to"] == address]
