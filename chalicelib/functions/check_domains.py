"""The scheduled look at custom domains: each once a day."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.functions.time_left import seconds_left
from chalicelib.observability import flush

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.HOURS), name="check-domains")
def check_domains(event: CloudWatchEvent) -> dict[str, Any]:
    from chalicelib.services.domain_sweep import check_due

    try:
        return vars(check_due(seconds_left(event.context)))
    finally:
        flush()
