"""Notices to a domain's owner when the domain's verification record goes missing."""

from chalicelib.domain.custom_domains import DomainState, Status, TxtLookup, explain_lookup
from chalicelib.services.mail import outbox
from chalicelib.storage.domains import Domain
from chalicelib.storage.outbox import MailTemplate
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction

NOTICES: dict[str, MailTemplate] = {
    Status.FAILING: MailTemplate.DOMAIN_FAILING,
    Status.SUSPENDED: MailTemplate.DOMAIN_SUSPENDED,
}


def notify_owner(tx: Transaction, domain: Domain, now: DomainState, lookup: TxtLookup) -> None:
    """Queue a mail in `tx` if the domain's new status is failing or suspended.

    Does nothing if the reseller no longer exists.
    """
    template = NOTICES.get(now.status)
    reseller = get(Reseller, domain.reseller_id) if template else None
    if template is None or reseller is None:
        return
    context = {
        "host": domain.host,
        "record_name": domain.record_name,
        "record_value": domain.record_value,
        "what_was_found": explain_lookup(lookup.result, domain.record_name, domain.record_value),
        "until": f"{now.grace_until:%d %B %Y}" if now.grace_until else "",
    }
    outbox.queue_notice(tx, reseller, template, context)
