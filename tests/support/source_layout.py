"""The product's modules and their imports, read from the source code."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chalicelib"


def sources() -> list[Path]:
    """Return every Python file in the product."""
    return [ROOT / "app.py", *sorted(PACKAGE.rglob("*.py"))]


def imports(source: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, at any nesting level.

    This includes imports inside functions and under TYPE_CHECKING.
    """
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: use absolute imports"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def layer_of(source: Path) -> str:
    """Return `app`, or the package or module directly below chalicelib, such as `services`."""
    if source.parent == ROOT:
        return source.stem
    return source.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(source: Path) -> str:
    """Return a file's dotted module name."""
    parts = source.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def import_graph() -> dict[str, set[str]]:
    """Map each module in the product to the product modules that it imports."""
    modules = {module_of(source): source for source in sources()}

    def imported(name: str) -> str | None:
        if name in modules:
            return name
        parent = name.rpartition(".")[0]
        return parent if parent in modules else None

    return {
        module: {found for name in imports(source) if (found := imported(name))} - {module}
        for module, source in modules.items()
    }


def capability_of(module: str, layer: str) -> str | None:
    """Return the capability package that a layer's module belongs to, or None."""
    parts = module.split(".")
    if parts[:2] != ["chalicelib", layer] or len(parts) < 3:
        return None
    return parts[2]
