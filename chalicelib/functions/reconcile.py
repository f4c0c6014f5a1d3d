"""Reconciliation on a schedule: partly every hour, wholly by night.

By hand, from the AWS console, with a test event such as `{}` (a whole dry run),
`{"apply": true}`, `{"reseller_id": "rsl_…", "apply": false}` or `{"scope": "partial"}`.
"""

from typing import Any

from chalice.app import Blueprint

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import flush

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="reconcile")
def reconcile(event: dict[str, Any] | None, context: Any) -> dict[str, Any]:
    """The report, and its id for `GET /v1/reconciliations/{id}`."""
    from chalicelib.services.reconciliation import invocation

    try:
        return invocation.run(event or {}, seconds_left(context))
    finally:
        flush()
