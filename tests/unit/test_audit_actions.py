"""Every action of the audit trail is recorded by a service. mypy refuses other names."""

import ast

import pytest

from chalicelib.domain.custom_domains import Status
from chalicelib.services.domains import notices, verification
from chalicelib.storage.audit import AuditAction
from tests.support.source_layout import PACKAGE


@pytest.fixture(scope="module")
def used() -> set[str]:
    """The members of AuditAction that the services use."""
    return {
        node.attr
        for source in (PACKAGE / "services").rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "AuditAction"
    }


@pytest.mark.parametrize("action", AuditAction)
def test_every_action_is_recorded(action: AuditAction, used: set[str]) -> None:
    assert action.name in used
    assert action.name == action.value.replace(".", "_").upper()


def test_each_status_that_a_domain_can_change_to_is_recorded_and_counted() -> None:
    """A domain is pending only from the start."""
    reachable = set(Status) - {Status.PENDING}
    assert set(verification.STATUS_ACTIONS) == set(verification.STATUS_METRICS) == reachable
    assert set(notices.NOTICES) == reachable - {Status.VERIFIED}
