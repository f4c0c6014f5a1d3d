"""Reconciliation: runs, their findings, and the decision about each finding."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.findings import Action
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import (
    Document,
    Id,
    Input,
    ListQuery,
    Output,
    Reason,
    RowOutput,
    Time,
    Words,
    one_of,
)
from chalicelib.http.requests import Call, Empty
from chalicelib.services.reconciliation import resolution, runs, sync
from chalicelib.services.reconciliation.sync import SyncResult
from chalicelib.storage import reports
from chalicelib.storage.findings import FindingRow
from chalicelib.storage.reads import Page
from chalicelib.storage.reports import Report

routes = Routes(__name__)

RUNS = "/v1/reconciliations"
RUN = RUNS + "/{id}"
FINDINGS = RUN + "/findings"
RESOLUTION = FINDINGS + "/{finding}/resolution"
SYNC = "/v1/resellers/{reseller}/sync"
# API Gateway's timeout is 29 seconds. A request stops after this many seconds, and a scheduled run
# resumes the rest.
SECONDS = 20.0


class NewReconciliation(Input):
    apply: bool = Field(
        False,
        description="Make the safe repairs listed in the settings. If false, nothing changes.",
    )
    scope: Literal["partial", "whole"] = Field(
        "whole",
        description="`partial` checks each reseller's own data. `whole` also checks Stripe, names, "
        "links, and orphans.",
    )
    reseller_id: Id | None = Field(None, description="Check only this reseller.")


class ReconciliationOutput(RowOutput):
    id: str
    scope: str = Field(description=f"{one_of(reports.Scope)}.")
    reseller_id: str | None
    apply: bool
    actor: str
    status: str = Field(description=f"{one_of((reports.RUNNING, reports.FINISHED))}.")
    finished_at: Time | None
    resellers: int = Field(description="The number of resellers checked so far.")
    tenants: int = Field(description="The number of tenants checked so far.")
    found: Document = Field(description="The number of findings by code.")
    repaired: Document = Field(description="The number of repaired findings by code.")
    ignored: int = Field(description="The number of findings that an admin decided to ignore.")
    notes: list[str] = Field(description="What could not be checked.")


class FindingOutput(Output):
    id: str
    code: str
    subject: str = Field(description="The ID or name of the row that is wrong.")
    reseller_id: str | None
    what: str
    why: str = Field(description="Why it matters.")
    evidence: Document
    actions: Document = Field(description="The possible actions, each with a description.")
    proposed: str = Field(description="The recommended action.")
    safe: bool = Field(description="Whether the recommended action can be taken automatically.")
    state: str = Field(description="`open`, `repaired`, `ignored`, or `gone` (no longer applies).")
    resolution: str | None = Field(description="The action that was taken.")
    outcome: str | None = Field(description="What the action did.")
    reason: str | None
    resolved_by: str | None
    resolved_at: Time | None


class Resolution(Input):
    action: Annotated[Action, Field(strict=False)]
    reason: Reason
    to: Id | None = Field(
        None,
        description="The ID of a reseller or user, if the description of `adopt` asks for one.",
    )


class SyncOrder(Input):
    apply: bool = Field(False, description="Correct `license_used`. If false, only compare.")


class CountersOutput(Output):
    license_count: int
    license_used: int
    license_available: int


class SyncOutput(Output):
    reseller_id: str
    applied: bool = Field(description="Whether `license_used` was changed.")
    before: CountersOutput
    after: CountersOutput
    why: Words
    found: int = Field(description="The total number of findings.")
    findings: list[FindingOutput] = Field(description="Up to 50 of the findings.")


@routes.post(RUNS, Audience.ADMIN, Scope.ADMIN, returns=ReconciliationOutput, created=RUN)
def reconcile(call: Call[NewReconciliation]) -> Report:
    """Start a reconciliation run.

    Compares license counts, the ledger, tenants, purchases, and Stripe. If the run takes longer
    than the request, scheduled runs finish it.
    """
    return runs.start_run(
        call.input.scope,
        apply=call.input.apply,
        by=call.by,
        reseller_id=call.input.reseller_id,
        seconds_left=clock.countdown(SECONDS),
        once=call.once,
    )


@routes.get(RUNS, Audience.ADMIN, Scope.ADMIN, returns=ReconciliationOutput)
def list_reconciliations(call: Call[ListQuery]) -> Page[Report]:
    """List the reconciliation runs from the last 90 days, newest first."""
    return runs.list_reports(call.input.page)


@routes.get(RUN, Audience.ADMIN, Scope.ADMIN, returns=ReconciliationOutput)
def read_reconciliation(call: Call[Empty]) -> Report:
    """Get a reconciliation run."""
    return runs.read_report(call.path["id"])


@routes.get(FINDINGS, Audience.ADMIN, Scope.ADMIN, returns=FindingOutput)
def list_findings(call: Call[ListQuery]) -> Page[FindingRow]:
    """List the findings from a reconciliation run."""
    return runs.list_findings(call.path["id"], call.input.page)


@routes.post(RESOLUTION, Audience.ADMIN, Scope.ADMIN, returns=FindingOutput)
def resolve_finding(call: Call[Resolution]) -> FindingRow:
    """Resolve a finding.

    The facts are checked again first. If they have changed, no action is taken.
    """
    row = resolution.read_finding(call.path["id"], call.path["finding"])
    decision = call.input
    return resolution.resolve(
        row,
        decision.action,
        reason=decision.reason,
        by=call.by,
        to=decision.to,
        once=call.once,
    )


@routes.post(SYNC, Audience.ADMIN, Scope.ADMIN, returns=SyncOutput)
def sync_reseller(call: Call[SyncOrder]) -> SyncResult:
    """Sync a reseller's license count.

    Compares `license_used` with the number of licenses the reseller's tenants hold.
    """
    return sync.sync(call.path["reseller"], apply=call.input.apply, by=call.by, once=call.once)
