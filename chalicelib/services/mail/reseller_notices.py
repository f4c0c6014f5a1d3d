"""What a reseller is told by mail, in the transaction of what it is told about.

Licenses that run out are told once per downward crossing. Invariant: `supply_told` on the
reseller's row is the supply that it was last told of, or that was there when it rose again;
who finds it worse now queues the mail and moves the mark in one transaction, on condition of
the row's version. So two takes at once queue one mail, and a crash between a take and its
look loses none: the hourly reconciliation looks at every reseller.
"""

from collections.abc import Callable
from typing import Any

from chalicelib.domain.ledger import Kind
from chalicelib.domain.notices import Supply, is_worse, supply
from chalicelib.errors import Busy, VersionConflict
from chalicelib.observability import logger
from chalicelib.services.mail import outbox
from chalicelib.services.settings import platform_settings
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

ATTEMPTS = 3


def notify_low_supply(reseller_id: str) -> None:
    """Tell the reseller, if its licenses have run low or out since it was last told. What goes
    wrong here fails nobody's operation: the next look comes."""
    try:
        for _ in range(ATTEMPTS):
            reseller = get(Reseller, reseller_id)
            if reseller is None or _mark_told(reseller):
                return
    except Exception:
        logger.exception("A supply notice was not queued", extra={"reseller_id": reseller_id})


def supply_columns(tx: Transaction, reseller: Reseller, license_count: int) -> dict[str, Any]:
    """The mark, for a caller that changes the reseller's row itself; the mail is queued in `tx`."""
    available = license_count - reseller.license_used
    now = supply(available, platform_settings.cached_settings().low_license_threshold)
    told = Supply(reseller.supply_told or Supply.ENOUGH)
    never_had_any = reseller.supply_told is None and license_count == 0
    if is_worse(now, told) and not never_had_any:
        context = {"license_count": license_count, "license_available": available}
        _queue(tx, reseller, f"licenses_{now}", context)
    return {"supply_told": now} if now != told or reseller.supply_told is None else {}


def _mark_told(reseller: Reseller) -> bool:
    """False where somebody changed the reseller's row first: look again."""
    now = supply(
        reseller.license_available, platform_settings.cached_settings().low_license_threshold
    )
    if now == (reseller.supply_told or Supply.ENOUGH):
        return True
    tx = Transaction()
    tx.change(reseller, **supply_columns(tx, reseller, reseller.license_count))
    try:
        tx.commit()
    except (VersionConflict, Busy):
        return False
    return True


def notify_purchase_change(tx: Transaction, purchase: Purchase, licenses: int, kind: Kind) -> None:
    """A purchase gave licenses (licenses > 0) or they were taken back."""
    told: dict[Kind, Callable[[], dict[str, Any]]] = {
        Kind.PURCHASE: lambda: {"receipt_url": purchase.receipt_url},
        Kind.REFUND: lambda: {"amount_refunded": purchase.amount_refunded, "because": "refund"},
        Kind.DISPUTE: lambda: {"amount_refunded": purchase.amount_refunded, "because": "dispute"},
    }
    reseller = get(Reseller, purchase.reseller_id) if kind in told else None
    if reseller is None:
        return
    template = "purchase_paid" if kind == Kind.PURCHASE else "licenses_revoked"
    context = {
        "licenses": abs(licenses),
        "purchase_id": purchase.id,
        "amount_paid": purchase.amount_paid,
        "currency": purchase.currency,
        "invoice_url": purchase.invoice_url,
    }
    _queue(tx, reseller, template, context | told[kind]())


def notify_activation_change(tx: Transaction, reseller: Reseller, is_active: bool) -> None:
    restricted = bool(platform_settings.cached_settings().restrict_inactive_resellers)
    template = "reseller_reactivated" if is_active else "reseller_deactivated"
    _queue(tx, reseller, template, {"restricted": restricted})


def _queue(tx: Transaction, reseller: Reseller, template: str, context: dict[str, Any]) -> None:
    """To the reseller's user; to nobody where it has none that can read it."""
    user = get(User, reseller.user_id) if reseller.user_id else None
    if user is None or not user.is_active:
        logger.warning("Nobody to tell", extra={"reseller_id": reseller.id, "template": template})
        return
    context = {"company_name": reseller.company_name, **context}
    outbox.queue_mail(tx, to=user.email, template=template, context=context)
