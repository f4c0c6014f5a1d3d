"""docs/runbook.md names what there is to choose, press and run. Its tables of settings and
parameters are held by test_settings.py, its sections on alarms by the deployment's tests."""

import re
from pathlib import Path

from chalicelib.payments.webhooks import HANDLED_EVENTS

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def test_stripe_is_asked_for_the_events_that_are_handled() -> None:
    assert set(re.findall(r"`((?:checkout|charge|refund)\.[a-z_.]+)`", RUNBOOK)) == HANDLED_EVENTS


def test_every_command_is_one_of_the_makefile() -> None:
    commands = set(re.findall(r"(?:`|^ *)make ([a-z-]+)", RUNBOOK, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"deploy", "destroy", "replay", "restore", "admin"} <= commands <= targets
