"""The scheduled sweep: heals what webhooks lost. Invoke it by hand with any event."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.observability import flush

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(15, unit=Rate.MINUTES), name="sweep-purchases")
def sweep_purchases(_event: CloudWatchEvent) -> dict[str, Any]:
    from chalicelib.services.sweep import sweep

    try:
        return vars(sweep())
    finally:
        flush()
