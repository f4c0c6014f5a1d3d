"""The ledger's kinds are what clients and statements read: they never change their spelling."""

from chalicelib.domain.ledger import Kind


def test_kinds_are_spelled_as_published() -> None:
    assert {kind.value for kind in Kind} >= {
        "allocation",
        "revocation",
        "purchase",
        "refund",
        "dispute",
        "reinstatement",
        "tenant_created",
        "tenant_restored",
        "tenant_reactivated",
        "tenant_deactivated",
        "tenant_deleted",
        "sync",
    }
    assert all(kind.value == kind.name.lower() for kind in Kind)
