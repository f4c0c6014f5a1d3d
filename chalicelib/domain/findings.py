"""A finding: an inconsistency in the tables, why it matters, and how to resolve it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.messages import MessageCode, Sentences, say


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

WHY: dict[Code, Sentences] = {code: say(MessageCode[f"WHY_{code.name}"]) for code in Code}


class Target(StrEnum):
    """What a finding is adopted to, and the request therefore has to name."""

    USER = "user"
    RESELLER = "reseller"


def adopted_to(code: str) -> Target | None:
    """Return what findings of this kind are adopted to.

    For all others, the action ADOPT only records the current state.
    """
    if code == Code.ORPHAN_TENANT:
        return Target.RESELLER
    return Target.USER if code == Code.RESELLER_WITHOUT_USER else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One inconsistency.

    Attributes:
        subject: The ID or claim name of the row that is wrong.
        what: The problem, for an admin to read.
        evidence: The facts as found.
        actions: The possible actions, each with what it would do.
        proposed: The action to take unless there is a reason not to.
        safe: Whether the proposed action may run without a person's approval.
        basis: The facts that a decision depends on. Defaults to all of the evidence. Any other
            evidence can change with normal traffic without invalidating the decision.
    """

    code: Code
    subject: str
    reseller_id: str | None
    what: Sentences
    evidence: Mapping[str, object]
    actions: Mapping[Action, Sentences]
    proposed: Action
    safe: bool = field(default=False)
    basis: object = None

    @property
    def id(self) -> str:
        """A stable ID: a later run that finds the same problem produces the same ID."""
        return f"fnd_{_digest([self.code, self.reseller_id, self.subject])[:26]}"

    @property
    def why(self) -> Sentences:
        return WHY[self.code]

    @property
    def fingerprint(self) -> str:
        """A digest of the facts that a decision depends on. It changes when the facts do."""
        return _digest(dict(self.evidence) if self.basis is None else self.basis)


def make_finding(
    code: Code,
    subject: str,
    reseller_id: str | None,
    what: Sentences,
    evidence: Mapping[str, object],
    actions: Mapping[Action, Sentences],
    *,
    safe: bool = True,
    basis: object = None,
) -> Finding:
    """Return a finding that proposes the first of `actions`. Ignoring it is always an option.

    The finding is safe if its code is in SAFE_CODES and `safe` is true.
    """
    available = {**actions, Action.IGNORE: say(MessageCode.DO_IGNORE)}
    proposed = next(iter(available))
    safe = safe and code in SAFE_CODES
    return Finding(code, subject, reseller_id, what, evidence, available, proposed, safe, basis)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
