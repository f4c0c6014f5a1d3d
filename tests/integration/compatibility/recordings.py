"""Recorded rows on disk: `recorded/<release>/<table>.json`, one row per line.

`stripe.json` holds the simulator's objects, `scene.json` the recorded time and the people who
can sign in (with tests.support.people.PASSWORD).
"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local.stripe_simulator.account import SessionDetails
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import Person

RECORDED = Path(__file__).parent / "recorded"
RELEASES = sorted(path.name for path in RECORDED.iterdir()) if RECORDED.is_dir() else []

Item = dict[str, dict[str, Any]]
Tables = dict[str, list[Item]]
"""The rows of each table, by its noun, as DynamoDB writes them."""


def read_tables(release: str) -> Tables:
    paths = sorted((RECORDED / release / "tables").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def read_scene(release: str) -> tuple[datetime, dict[str, dict[str, Any]]]:
    """The recorded time, and the people: `email`, `user_id` and `reseller_id` by name."""
    scene = json.loads((RECORDED / release / "scene.json").read_text())
    return datetime.fromisoformat(scene["at"]), scene["people"]


def write(
    release: str,
    tables: Tables,
    stripe: StripeSimulator,
    at: datetime,
    people: dict[str, Person],
) -> None:
    (RECORDED / release / "tables").mkdir(parents=True)
    for noun, items in tables.items():
        path = RECORDED / release / "tables" / f"{noun}.json"
        path.write_text(_lines(sorted(items, key=json.dumps)))
    (RECORDED / release / "stripe.json").write_text(_stripe_objects(stripe))
    known = {
        name: {"email": p.email, "user_id": p.user_id, "reseller_id": p.reseller_id}
        for name, p in people.items()
    }
    scene = json.dumps({"at": at.isoformat(), "people": known}, indent=2)
    (RECORDED / release / "scene.json").write_text(scene + "\n")


def _lines(rows: list[Any]) -> str:
    lines = ",\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n"


def _stripe_objects(stripe: StripeSimulator) -> str:
    """Without the events: the webhook deliveries that they led to are in the rows."""
    account, _ = stripe.snapshot()
    objects = [
        each
        for kind, of_kind in account._objects.items()
        for each in of_kind.values()
        if kind != "event"
    ]
    details = [[id, asdict(each)] for id, each in account.session_details.items()]
    return f'{{"objects": {_lines(objects)}, "session_details": {_lines(details)}}}\n'


def restore_stripe(release: str, stripe: StripeSimulator) -> None:
    """Give the simulator the recorded objects. Its new IDs don't collide with theirs, because
    `stripe` was created with a seed of its own."""
    stored = json.loads((RECORDED / release / "stripe.json").read_text())
    account, keys = stripe.snapshot()
    for each in stored["objects"]:
        account.add(each)
    account.session_details = {id: SessionDetails(**each) for id, each in stored["session_details"]}
    account.expirations = sorted(
        (each["expires_at"], each["id"])
        for each in stored["objects"]
        if each["object"] == "checkout.session" and each["status"] == "open"
    )
    stripe.restore((account, keys))
