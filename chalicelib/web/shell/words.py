"""How pages name codes: the statuses of purchases and domains, and the ledger's kinds."""

from collections.abc import Mapping

from chalicelib.domain import custom_domains, purchases
from chalicelib.domain.ledger import Kind
from chalicelib.storage.ledger import LedgerEntry

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

# Each kind, with its icon and its sentence.
LEDGER_KINDS: dict[str, tuple[str, str]] = {
    Kind.ALLOCATION: ("plus", "{licenses} allocated{whom}"),
    Kind.REVOCATION: ("license", "{licenses} taken back"),
    Kind.PURCHASE: ("card", "Purchased {licenses}"),
    Kind.REFUND: ("refresh", "Refund of {licenses}"),
    Kind.DISPUTE: ("warning", "{licenses} held by a payment dispute"),
    Kind.REINSTATEMENT: ("refresh", "{licenses} returned after a dispute"),
    Kind.TENANT_CREATED: ("tenants", "{tenant} created"),
    Kind.TENANT_RESTORED: ("tenants", "{tenant} restored"),
    Kind.TENANT_REACTIVATED: ("power", "{tenant} reactivated"),
    Kind.TENANT_DEACTIVATED: ("power", "{tenant} deactivated"),
    Kind.TENANT_DELETED: ("trash", "{tenant} deleted"),
    Kind.SYNC: ("balance", "Used licenses corrected to match the tenants"),
}


def purchase_status(status: str) -> tuple[str, str]:
    return _badge(PURCHASE_STATUSES, status)


def domain_status(status: str) -> tuple[str, str]:
    return _badge(DOMAIN_STATUSES, status)


def ledger_words(entry: LedgerEntry, names: Mapping[str, str], whom: str = "") -> tuple[str, str]:
    """Return an entry's icon and sentence. `whom` says to whom licenses were allocated."""
    if entry.kind not in LEDGER_KINDS:
        return "dot", _as_words(entry.kind)
    symbol, sentence = LEDGER_KINDS[entry.kind]
    licenses = plural(abs(entry.count_change), "license")
    tenant = names.get(entry.ref or "") or "A tenant"
    return symbol, sentence.format(licenses=licenses, tenant=tenant, whom=whom)


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _badge(known: Mapping[str, tuple[str, str]], status: str) -> tuple[str, str]:
    """Return the words and the kind. A status of a later release is shown as it is."""
    return known.get(status, (_as_words(status), ""))


def _as_words(code: str) -> str:
    return code.replace("_", " ").capitalize()
