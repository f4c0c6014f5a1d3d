"""What the simulator's source code contains, for tests that must cover all of it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "infra" / "local" / "stripe_simulator"


def emitted_event_types() -> set[str]:
    """Return the type of every event that the simulator can emit."""
    types = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".emit"):
                types.add(ast.literal_eval(node.args[0]))
    return types
