"""The kinds of move that a license pool knows."""

from enum import StrEnum


class Kind(StrEnum):
    """Why a counter moved. Count kinds change what is owned, the others what is in use."""

    ALLOCATION = "allocation"  # an admin gave licenses
    REVOCATION = "revocation"  # an admin took licenses back
    PURCHASE = "purchase"  # a payment arrived
    REFUND = "refund"  # money went back
    DISPUTE = "dispute"  # the bank holds or took the money
    REINSTATEMENT = "reinstatement"  # what a refund or a dispute took came back
    TENANT_CREATED = "tenant_created"
    TENANT_RESTORED = "tenant_restored"
    TENANT_REACTIVATED = "tenant_reactivated"
    TENANT_DEACTIVATED = "tenant_deactivated"
    TENANT_DELETED = "tenant_deleted"
    SYNC = "sync"  # a repair
