"""Who imports whom in the house, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chalicelib"


def sources() -> list[Path]:
    return [ROOT / "app.py", *sorted(PACKAGE.rglob("*.py"))]


def imports(source: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever it stands, in full."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: imports are written in full"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def layer_of(source: Path) -> str:
    """`app`, or the room or file below chalicelib: `services`, `clock`."""
    if source.parent == ROOT:
        return source.stem
    return source.relative_to(PACKAGE).parts[0].removesuffix(".py")
