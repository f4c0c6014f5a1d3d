"""How pages name the statuses of purchases and domains: in words, and with a badge's color."""

from collections.abc import Mapping

from chalicelib.domain import custom_domains, purchases

# Each status, with its words and the kind of its badge: good, note, warn, bad, or plain.
PURCHASE_STATUSES: dict[str, tuple[str, str]] = {
    purchases.Status.PENDING: ("Awaiting payment", ""),
    purchases.Status.PROCESSING: ("Processing", "note"),
    purchases.Status.PAID: ("Paid", "good"),
    purchases.Status.PARTIALLY_REFUNDED: ("Partly refunded", "warn"),
    purchases.Status.REFUNDED: ("Refunded", ""),
    purchases.Status.DISPUTED: ("Disputed", "bad"),
    purchases.Status.FAILED: ("Failed", "bad"),
    purchases.Status.EXPIRED: ("Expired", ""),
    purchases.Status.QUARANTINED: ("Under review", "warn"),
}
DOMAIN_STATUSES: dict[str, tuple[str, str]] = {
    custom_domains.Status.PENDING: ("Waiting for the record", "warn"),
    custom_domains.Status.VERIFIED: ("Verified", "good"),
    custom_domains.Status.FAILING: ("Record missing", "bad"),
    custom_domains.Status.SUSPENDED: ("Suspended", "bad"),
}


def purchase_status(status: str) -> tuple[str, str]:
    return _badge(PURCHASE_STATUSES, status)


def domain_status(status: str) -> tuple[str, str]:
    return _badge(DOMAIN_STATUSES, status)


def _badge(known: Mapping[str, tuple[str, str]], status: str) -> tuple[str, str]:
    """Return the words and the kind. A status of a later release is shown as it is."""
    return known.get(status, (status.replace("_", " ").capitalize(), ""))
