"""The scheduled sweep: heals what webhooks lost. Invoke it by hand with any event."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.observability import invocation, request_id_of

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(15, unit=Rate.MINUTES), name="sweep-purchases")
def sweep_purchases(event: CloudWatchEvent) -> dict[str, Any]:
    with invocation("Sweep", request_id_of(event.context)) as line:
        from chalicelib.services.sweep import sweep

        report = vars(sweep())
        line |= report
        return report
