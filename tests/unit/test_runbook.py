"""docs/runbook.md lists the handled Stripe events and only make targets that exist.

test_settings.py checks its tables of settings and parameters, and the deployment tests check its
sections on alarms.
"""

import re
from pathlib import Path

from chalicelib.payments.webhooks import HANDLED_EVENTS

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def test_the_runbook_lists_the_handled_events() -> None:
    assert set(re.findall(r"`((?:checkout|charge|refund)\.[a-z_.]+)`", RUNBOOK)) == HANDLED_EVENTS


def test_every_make_command_exists() -> None:
    commands = set(re.findall(r"(?:`|^ *)make ([a-z-]+)", RUNBOOK, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"deploy", "destroy", "replay", "restore", "admin"} <= commands <= targets
