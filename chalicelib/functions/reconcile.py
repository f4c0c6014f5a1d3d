"""Reconciliation on a schedule: partly every hour, wholly by night.

By hand, from the AWS console, with a test event such as `{}` (a whole dry run),
`{"apply": true}`, `{"reseller_id": "rsl_…", "apply": false}` or `{"scope": "partial"}`.
"""

from typing import Any

from chalice.app import Blueprint

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import invocation, request_id_of

TOLD = ("id", "scope", "apply", "status", "found", "repaired")

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="reconcile")
def reconcile(event: dict[str, Any] | None, context: Any) -> dict[str, Any]:
    """The report, and its id for `GET /v1/reconciliations/{id}`."""
    with invocation("Reconciliation", request_id_of(context)) as line:
        from chalicelib.services.reconciliation.scheduled import handle_event

        report = handle_event(event or {}, seconds_left(context))
        line |= {name: report[name] for name in TOLD}
        return report
