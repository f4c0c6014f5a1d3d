"""Ledger kinds are part of the API and of statements, so their values must not change."""

from chalicelib.domain.ledger import Kind


def test_ledger_kinds_keep_their_published_values() -> None:
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
