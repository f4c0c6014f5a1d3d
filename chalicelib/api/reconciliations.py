"""Reconciliation: runs, their findings, and what is decided about each."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Document, Id, Input, ListQuery, Output, Reason, RowOutput, Time
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
from chalicelib.domain.findings import Action
from chalicelib.services.reconciliation import resolution, runs, sync
from chalicelib.services.reconciliation.sync import SyncResult
from chalicelib.storage.findings import FindingRow
from chalicelib.storage.reads import Page
from chalicelib.storage.reports import Report

routes = Routes(__name__)

RECONCILIATIONS = "/v1/reconciliations"
RECONCILIATION = RECONCILIATIONS + "/{id}"
FINDING = RECONCILIATION + "/findings/{finding}"
# API Gateway waits 29 seconds; what is left then, the schedule goes on with.
SECONDS = 20.0


class NewReconciliation(Input):
    """apply: make the safe repairs that the settings name. Without it, nothing is changed."""

    apply: bool = False
    scope: Literal["partial", "whole"] = "whole"
    reseller_id: Id | None = None


class ReconciliationOutput(RowOutput):
    """found, repaired: numbers by finding code. status: running until all was looked at."""

    id: str
    scope: str
    reseller_id: str | None
    apply: bool
    actor: str
    status: str
    finished_at: Time | None
    resellers: int
    tenants: int
    found: Document
    repaired: Document
    ignored: int
    notes: list[str]


class FindingOutput(Output):
    """actions: what can be done, by name, each in a sentence."""

    id: str
    code: str
    subject: str
    reseller_id: str | None
    what: str
    why: str
    evidence: Document
    actions: Document
    proposed: str
    safe: bool
    state: str
    resolution: str | None
    outcome: str | None
    reason: str | None
    resolved_by: str | None
    resolved_at: Time | None


class Resolution(Input):
    """to: the reseller or user that an adoption names, where it needs one."""

    action: Annotated[Action, Field(strict=False)]
    reason: Reason
    to: Id | None = None


class SyncOrder(Input):
    apply: bool = False


class CountersOutput(Output):
    license_count: int
    license_used: int
    license_available: int


class SyncOutput(Output):
    """applied: whether license_used was changed. findings: 50 at most, of those `found`."""

    reseller_id: str
    applied: bool
    before: CountersOutput
    after: CountersOutput
    why: str
    found: int
    findings: list[FindingOutput]


@routes.post(
    RECONCILIATIONS,
    Audience.ADMIN,
    Scope.ADMIN,
    returns=ReconciliationOutput,
    created=RECONCILIATION,
)
def reconcile(call: Call[NewReconciliation]) -> Report:
    """Compare ledger, counters, tenants and Stripe; a dry run unless `apply` is set."""
    return runs.start_run(
        call.input.scope,
        apply=call.input.apply,
        by=call.by,
        reseller_id=call.input.reseller_id,
        seconds_left=clock.countdown(SECONDS),
        once=call.once,
    )


@routes.get(RECONCILIATIONS, Audience.ADMIN, Scope.ADMIN, returns=ReconciliationOutput)
def list_reconciliations(call: Call[ListQuery]) -> Page[Report]:
    """All runs of the last 90 days, newest first."""
    return runs.list_reports(call.input.page)


@routes.get(RECONCILIATION, Audience.ADMIN, Scope.ADMIN, returns=ReconciliationOutput)
def read_reconciliation(call: Call[Empty]) -> Report:
    """One run."""
    return runs.read_report(call.path["id"])


@routes.get(RECONCILIATION + "/findings", Audience.ADMIN, Scope.ADMIN, returns=FindingOutput)
def list_findings(call: Call[ListQuery]) -> Page[FindingRow]:
    """What a run found: what, why it matters, the evidence, and what can be done."""
    return runs.list_findings(call.path["id"], call.input.page)


@routes.post(FINDING + "/resolution", Audience.ADMIN, Scope.ADMIN, returns=FindingOutput)
def resolve_finding(call: Call[Resolution]) -> FindingRow:
    """Repair, adopt, revert, delete or ignore: decide one finding, with a reason."""
    row = resolution.read_finding(call.path["id"], call.path["finding"])
    decided = call.input
    return resolution.resolve(
        row,
        decided.action,
        reason=decided.reason,
        by=call.by,
        to=decided.to,
        once=call.once,
    )


@routes.post("/v1/resellers/{reseller}/sync", Audience.ADMIN, Scope.ADMIN, returns=SyncOutput)
def sync_reseller(call: Call[SyncOrder]) -> SyncResult:
    """Set license_used to what the tenants add up to; without `apply`, only say so."""
    return sync.sync(call.path["reseller"], apply=call.input.apply, by=call.by, once=call.once)
