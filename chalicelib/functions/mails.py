"""Every mail that the service sends, and what is added to its stored context when it is sent.

The other values, which its two templates use as well, are stored when the mail is queued.
"""

from chalicelib.services.identity import passwords
from chalicelib.services.mail.outbox import Mails
from chalicelib.storage.outbox import MailTemplate
from chalicelib.storage.users import User


def _nothing(_user: User) -> dict[str, object]:
    return {}


MAILS: Mails = {
    MailTemplate.SET_PASSWORD: passwords.first_link_context,
    MailTemplate.RESET_PASSWORD: passwords.reset_link_context,
    MailTemplate.LICENSES_LOW: _nothing,
    MailTemplate.LICENSES_NONE: _nothing,
    MailTemplate.LICENSES_REVOKED: _nothing,
    MailTemplate.PURCHASE_PAID: _nothing,
    MailTemplate.RESELLER_DEACTIVATED: _nothing,
    MailTemplate.RESELLER_REACTIVATED: _nothing,
    MailTemplate.DOMAIN_FAILING: _nothing,
    MailTemplate.DOMAIN_SUSPENDED: _nothing,
}
