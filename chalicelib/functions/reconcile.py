"""Scheduled function that runs a partial reconciliation every hour and a full one every night.

To run it from the AWS console, use a test event such as `{}` (a full dry run),
`{"apply": true}`, `{"reseller_id": "rsl_…", "apply": false}`, or `{"scope": "partial"}`.
"""

from chalice.app import Blueprint

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import invocation, request_id_of

LOGGED_FIELDS = ("id", "scope", "apply", "status", "found", "repaired")

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="reconcile")
def reconcile(event: dict[str, object] | None, context: object) -> dict[str, object]:
    """Return the report, which `GET /v1/reconciliations/{id}` returns as well."""
    with invocation("Reconciliation", request_id_of(context)) as line:
        from chalicelib.services.reconciliation.scheduled import handle_event

        report = handle_event(event or {}, seconds_left(context))
        line |= {name: report[name] for name in LOGGED_FIELDS}
        return report
