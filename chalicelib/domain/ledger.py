"""The kinds of license ledger entries."""

from enum import StrEnum


class Kind(StrEnum):
    """The reason why a counter changed.

    The kinds up to REINSTATEMENT change the number of licenses owned, the tenant kinds change the
    number in use, and SYNC can change either.
    """

    ALLOCATION = "allocation"  # an admin added licenses
    REVOCATION = "revocation"  # an admin removed licenses
    PURCHASE = "purchase"  # a payment was received
    REFUND = "refund"  # money was returned to the buyer
    DISPUTE = "dispute"  # the bank holds or has taken the money
    REINSTATEMENT = "reinstatement"  # licenses lost in a refund or dispute came back
    TENANT_CREATED = "tenant_created"
    TENANT_RESTORED = "tenant_restored"
    TENANT_REACTIVATED = "tenant_reactivated"
    TENANT_DEACTIVATED = "tenant_deactivated"
    TENANT_DELETED = "tenant_deleted"
    SYNC = "sync"  # a repair
