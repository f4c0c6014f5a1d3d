"""Scheduled function that refreshes the stored statistics for the admin overview.

To run it from the AWS console, use any test event.
"""

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.observability import invocation, request_id_of

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.HOURS), name="take-figures")
def take_figures(event: CloudWatchEvent) -> dict[str, object]:
    with invocation("Figures", request_id_of(event.context)) as line:
        from chalicelib.services.reporting.dashboard_stats import refresh_dashboard_stats

        stats = refresh_dashboard_stats()
        counted: dict[str, object] = {"resellers": stats.resellers, "rows": stats.rows}
        line |= counted
        return counted
