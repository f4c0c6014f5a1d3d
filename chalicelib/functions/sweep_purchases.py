"""Scheduled function that settles purchases whose webhook was lost.

To run it from the AWS console, use any test event.
"""

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import invocation, request_id_of

# Reserved from the function's remaining time for finishing the purchase in progress.
SECONDS_TO_STOP = 20.0

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(15, unit=Rate.MINUTES), name="sweep-purchases")
def sweep_purchases(event: CloudWatchEvent) -> dict[str, object]:
    with invocation("Sweep", request_id_of(event.context)) as line:
        from chalicelib.services.stripe_sync.sweep import run_sweep

        report = vars(run_sweep(max(1.0, seconds_left(event.context)() - SECONDS_TO_STOP)))
        line |= report
        return report
