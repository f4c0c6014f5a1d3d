"""A finding: an inconsistency in the tables, why it matters, and how to resolve it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """The problems that reconciliation can find. docs/operators.md explains how to handle them."""

    USED_MISMATCH = "used_mismatch"
    COUNT_UNEXPLAINED = "count_unexplained"
    OVER_ALLOCATED = "over_allocated"
    TENANT_HOLDS_WRONGLY = "tenant_holds_wrongly"
    PURCHASE_UNCREDITED = "purchase_uncredited"
    PURCHASE_OVERCREDITED = "purchase_overcredited"
    STUCK_PURCHASE = "stuck_purchase"
    SESSION_WITHOUT_PURCHASE = "session_without_purchase"
    ORPHAN_TENANT = "orphan_tenant"
    ORPHAN_CLAIM = "orphan_claim"
    MISSING_CLAIM = "missing_claim"
    RESELLER_WITHOUT_USER = "reseller_without_user"
    USER_LINK_WRONG = "user_link_wrong"


class Action(StrEnum):
    """The ways to resolve a finding. Each finding lists the ones that apply and what they do."""

    REPAIR = "repair"  # change the row to match the other sources
    ADOPT = "adopt"  # keep the current state and record it
    REVERT = "revert"  # undo the unrecorded change
    DELETE = "delete"
    IGNORE = "ignore"  # leave it, and don't report it again until the facts change


CODES = frozenset(Code)
DRIFT_CODES = frozenset({Code.USED_MISMATCH, Code.COUNT_UNEXPLAINED})
"""Codes of the findings that show that a license counter is wrong."""

# Findings for which the data determines the only correct repair, and the repair loses nothing.
SAFE_CODES = frozenset(
    {
        Code.USED_MISMATCH,
        Code.TENANT_HOLDS_WRONGLY,
        Code.ORPHAN_CLAIM,
        Code.MISSING_CLAIM,
        Code.PURCHASE_UNCREDITED,
        Code.PURCHASE_OVERCREDITED,
        Code.STUCK_PURCHASE,
        Code.SESSION_WITHOUT_PURCHASE,
        Code.RESELLER_WITHOUT_USER,
    }
)

WHY = {
    Code.USED_MISMATCH: "If license_used is too high, the reseller can't create tenants it has "
    "paid for. If it is too low, the reseller can create more tenants than it has licenses.",
    Code.COUNT_UNEXPLAINED: "The ledger should account for every license with an allocation, "
    "a purchase, or a refund.",
    Code.OVER_ALLOCATED: "Existing tenants keep running, but the reseller can't create new ones "
    "until licenses are added or tenants are deleted.",
    Code.TENANT_HOLDS_WRONGLY: "license_used counts the tenants that hold a license, so a wrong "
    "mark makes that count wrong.",
    Code.PURCHASE_UNCREDITED: "The reseller paid for licenses that it didn't receive.",
    Code.PURCHASE_OVERCREDITED: "The reseller has licenses that were never paid for or whose "
    "payment was returned.",
    Code.STUCK_PURCHASE: "The purchase's page and the reseller's statement may show "
    "incorrect information.",
    Code.SESSION_WITHOUT_PURCHASE: "There may be a payment that no purchase accounts for.",
    Code.ORPHAN_TENANT: "Nobody can manage this tenant, and no reseller's count includes its "
    "license.",
    Code.ORPHAN_CLAIM: "The name isn't in use, but nobody else can take it.",
    Code.MISSING_CLAIM: "Nothing prevents the same name from being taken twice.",
    Code.RESELLER_WITHOUT_USER: "Nobody can sign in for this reseller.",
    Code.USER_LINK_WRONG: "Anyone who signs in as this user acts for a reseller that isn't "
    "linked to the user.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One inconsistency. `what` and the values in `actions` are written for an admin to read.

    Attributes:
        subject: The ID or claim name of the row that is wrong.
        evidence: The facts as found.
        actions: The possible actions, each with a sentence that describes it.
        proposed: The action to take unless there is a reason not to.
        safe: Whether the proposed action may run without a person's approval.
        basis: The facts that a decision depends on. Defaults to all of the evidence. Any other
            evidence can change with normal traffic without invalidating the decision.
    """

    code: Code
    subject: str
    reseller_id: str | None
    what: str
    evidence: Mapping[str, Any]
    actions: Mapping[Action, str]
    proposed: Action
    safe: bool = field(default=False)
    basis: Any = None

    @property
    def id(self) -> str:
        """A stable ID: a later run that finds the same problem produces the same ID."""
        return f"fnd_{_digest([self.code, self.reseller_id, self.subject])[:26]}"

    @property
    def why(self) -> str:
        return WHY[self.code]

    @property
    def fingerprint(self) -> str:
        """A digest of the facts that a decision depends on. It changes when the facts do."""
        return _digest(dict(self.evidence) if self.basis is None else self.basis)

    @property
    def repair(self) -> str:
        return self.actions[self.proposed]


def make_finding(
    code: Code,
    subject: str,
    reseller_id: str | None,
    what: str,
    evidence: Mapping[str, Any],
    actions: Mapping[Action, str],
    *,
    safe: bool = True,
    basis: Any = None,
) -> Finding:
    """Return a finding that proposes the first of `actions`. Ignoring it is always an option.

    The finding is safe if its code is in SAFE_CODES and `safe` is true.
    """
    available = {
        **actions,
        Action.IGNORE: "Leave it as is; it won't be reported again unless the facts change",
    }
    proposed = next(iter(available))
    safe = safe and code in SAFE_CODES
    return Finding(code, subject, reseller_id, what, evidence, available, proposed, safe, basis)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
