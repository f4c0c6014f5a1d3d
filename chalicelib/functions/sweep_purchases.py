"""The scheduled sweep: heals what webhooks lost. Invoke it by hand with any event."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.observability import flush

# Left of the function's time for what is under way when the sweep is told to stop.
SECONDS_TO_STOP = 20.0

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(15, unit=Rate.MINUTES), name="sweep-purchases")
def sweep_purchases(event: CloudWatchEvent) -> dict[str, Any]:
    from chalicelib.services.sweep import DEFAULT_SECONDS, sweep

    context: Any = event.context  # Chalice's types say dict; Lambda's own object it is
    seconds = DEFAULT_SECONDS
    if context is not None:
        seconds = max(1.0, context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_STOP)
    try:
        return vars(sweep(seconds))
    finally:
        flush()
