"""A finding: something that the tables should not say, why it matters, and what mends it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """What reconciliation can find. docs/operators.md says what to do about each."""

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
    """What can be done about a finding. Which of them, and what each means, the finding says."""

    REPAIR = "repair"  # make it what the other sources say
    ADOPT = "adopt"  # keep what is there, and put it on record
    REVERT = "revert"  # undo what nobody put on record
    DELETE = "delete"
    IGNORE = "ignore"  # leave it, and don't report it again while it is the same


DRIFT = frozenset({Code.USED_MISMATCH, Code.COUNT_UNEXPLAINED})
"""Findings that mean that a counter of a pool is not what it should be."""

# Nothing is lost by these, and there is one right answer, which the data itself gives.
SAFE = frozenset(
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
    Code.USED_MISMATCH: "Too high, and the reseller cannot create tenants it has paid for; too "
    "low, and it can create more than it owns.",
    Code.COUNT_UNEXPLAINED: "Every license should be there for a reason that accounting can "
    "read: an allocation, a purchase, a refund.",
    Code.OVER_ALLOCATED: "Existing tenants keep running, but nothing new can be created until "
    "licenses are added or tenants are deleted.",
    Code.TENANT_HOLDS_WRONGLY: "license_used counts the tenants that hold a license; a wrong "
    "mark bends that count.",
    Code.PURCHASE_UNCREDITED: "The reseller has paid for licenses that it did not get.",
    Code.PURCHASE_OVERCREDITED: "The reseller has licenses whose money was not paid or went back.",
    Code.STUCK_PURCHASE: "Its page and its statement tell the reseller something that is not so.",
    Code.SESSION_WITHOUT_PURCHASE: "Money may have been paid that no purchase accounts for.",
    Code.ORPHAN_TENANT: "Nobody can manage this tenant, and no pool counts its license.",
    Code.ORPHAN_CLAIM: "The name is taken by nobody, so that nobody can take it.",
    Code.MISSING_CLAIM: "Nothing keeps a second one from taking the same name.",
    Code.RESELLER_WITHOUT_USER: "Nobody can sign in for this reseller.",
    Code.USER_LINK_WRONG: "Who signs in as this user acts for a reseller that does not know it.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """subject: the id or name that it is about. what, repair: sentences for a person.

    evidence: the facts, as found. basis: those of them that a decision rests on (all, if not
    given); the rest may move with the traffic. actions: what can be done, each in a sentence.
    proposed: the one to take if nothing speaks against it. safe: may be done without asking.
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
        """The same thing found again has the same id."""
        return f"fnd_{_digest([self.code, self.reseller_id, self.subject])[:26]}"

    @property
    def why(self) -> str:
        return WHY[self.code]

    @property
    def fingerprint(self) -> str:
        """Tells whether the facts are still those that somebody decided on."""
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
    """The first of the actions is proposed; leaving it alone is always possible. It is safe
    where its kind is and nothing about this one speaks against it."""
    can = {**actions, Action.IGNORE: "Leave it as it is; it is not reported again until it changes"}
    proposed = next(iter(can))
    safe = safe and code in SAFE
    return Finding(code, subject, reseller_id, what, evidence, can, proposed, safe, basis)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
