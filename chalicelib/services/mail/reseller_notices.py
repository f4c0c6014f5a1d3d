"""Email notices to resellers, queued in the transaction that makes the change they report.

A low-license notice is sent once each time the supply drops to a lower level. Invariant:
`supply_told` on the reseller's row is the level last reported, or the higher level that the supply
has since recovered to. The mail and the level are written in one transaction, on the condition that
the row's version is unchanged, so if two tenants are created at the same time, only one mail is
queued. Hourly reconciliation checks every reseller and sends any notice that a crash prevented.
"""

from collections.abc import Callable

from chalicelib.domain.ledger import Kind
from chalicelib.domain.notices import Supply, is_worse, supply_level
from chalicelib.observability import follow_up
from chalicelib.services.mail import outbox
from chalicelib.services.settings import platform_settings
from chalicelib.storage import retries
from chalicelib.storage.outbox import MailTemplate
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction

# The levels that a reseller is told about.
SUPPLY_NOTICES = {
    Supply.LOW: MailTemplate.LICENSES_LOW,
    Supply.NONE: MailTemplate.LICENSES_NONE,
}


def notify_low_supply(reseller_id: str) -> None:
    """Queue a notice if licenses have run low or run out since the last notice.

    If this fails, hourly reconciliation makes up for it.
    """
    with follow_up("notify of low supply", reseller_id=reseller_id):
        retries.act_on_current(lambda: get(Reseller, reseller_id), _report_level)


def supply_columns(tx: Transaction, reseller: Reseller, license_count: int) -> dict[str, object]:
    """Queue a notice in `tx` if the supply gets worse, and return the reseller columns to change.

    This is for callers that write the reseller's row themselves. `license_count` is the new total.
    """
    available = license_count - reseller.license_used
    now = supply_level(available, platform_settings.cached_settings().low_license_threshold)
    last_reported = reseller.supply_told or Supply.ENOUGH
    never_had_any = reseller.supply_told is None and license_count == 0
    if is_worse(now, last_reported) and not never_had_any:
        context = {"license_count": license_count, "license_available": available}
        outbox.queue_notice(tx, reseller, SUPPLY_NOTICES[now], context)
    return {"supply_told": now} if now != last_reported or reseller.supply_told is None else {}


def _report_level(reseller: Reseller | None) -> None:
    """Queue a notice if needed. Raises VersionConflict if the row has changed since it was read."""
    if reseller is None:
        return
    now = supply_level(
        reseller.license_available, platform_settings.cached_settings().low_license_threshold
    )
    if now == (reseller.supply_told or Supply.ENOUGH):
        return
    tx = Transaction()
    tx.change(reseller, supply_columns(tx, reseller, reseller.license_count))
    tx.commit()


def notify_purchase_change(tx: Transaction, purchase: Purchase, licenses: int, kind: Kind) -> None:
    """Queue a notice that a purchase added licenses, or that a refund or dispute took them back.

    Only the absolute value of `licenses` is used. No notice is sent for other kinds.
    """
    extra_context: dict[Kind, Callable[[], dict[str, object]]] = {
        Kind.PURCHASE: lambda: {"receipt_url": purchase.receipt_url},
        Kind.REFUND: lambda: {"amount_refunded": purchase.amount_refunded, "because": "refund"},
        Kind.DISPUTE: lambda: {"amount_refunded": purchase.amount_refunded, "because": "dispute"},
    }
    reseller = get(Reseller, purchase.reseller_id) if kind in extra_context else None
    if reseller is None:
        return
    paid = kind == Kind.PURCHASE
    template = MailTemplate.PURCHASE_PAID if paid else MailTemplate.LICENSES_REVOKED
    context = {
        "licenses": abs(licenses),
        "purchase_id": purchase.id,
        "amount_paid": purchase.amount_paid,
        "currency": purchase.currency,
        "invoice_url": purchase.invoice_url,
    }
    outbox.queue_notice(tx, reseller, template, context | extra_context[kind]())


def notify_activation_change(tx: Transaction, reseller: Reseller, is_active: bool) -> None:
    restricted = bool(platform_settings.cached_settings().restrict_inactive_resellers)
    template = MailTemplate.RESELLER_REACTIVATED if is_active else MailTemplate.RESELLER_DEACTIVATED
    outbox.queue_notice(tx, reseller, template, {"restricted": restricted})
