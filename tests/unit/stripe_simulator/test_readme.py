"""The simulator's README lists everything that the simulator has, and nothing else."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from infra.local.stripe_simulator import webhook_delivery
from infra.local.stripe_simulator.api.routes import ROUTES
from infra.local.stripe_simulator.commands import OBJECT_COMMANDS, run_command
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.faults import KINDS
from tests.unit.stripe_simulator.shop import Shop
from tests.unit.stripe_simulator.source import PACKAGE, emitted_event_types

README = (PACKAGE / "README.md").read_text()


def code_after(start: str) -> set[str]:
    """Return the inline code from `start` to the next bold lead-in, or the next heading."""
    section = re.split(r"\n\*\*|\n## ", README.split(start)[1])[0]
    return set(re.findall(r"`([^`]+)`", section))


def test_the_api_calls() -> None:
    listed = {name for name in code_after("**API calls.**") if " " in name}
    assert listed == {f"{method} {path}" for method, path, _ in ROUTES}


def test_the_events() -> None:
    assert code_after("**Events.**") == emitted_event_types()


def test_the_delivery_modes_and_faults() -> None:
    assert code_after("**Webhooks.**") == set(webhook_delivery.MODES)
    assert code_after("**Faults.**") == set(KINDS)


def test_the_commands() -> None:
    listed = {tuple(name.split("/{id}/")) for name in code_after("**Actions.**") if "{id}" in name}
    assert listed == OBJECT_COMMANDS.keys()


@pytest.mark.parametrize(
    "command", re.findall(r"`((?:promotion-codes|faults|webhooks)[a-z/]*)`", README)
)
def test_the_commands_without_an_object_are_known(shop: Shop, command: str) -> None:
    delivery = webhook_delivery.WebhookDelivery(shop.simulator, lambda headers, body: 200)
    with suppress(InvalidAction):  # because its options are missing
        run_command(shop.simulator, delivery, command, {})


def test_the_modules() -> None:
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    listed = {name for name in code_after("\n## Modules") if re.fullmatch(r"\w+(\.py|/)", name)}
    assert listed == folders | modules
