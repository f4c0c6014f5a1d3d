"""Which modules can import which others: layers, capabilities in a layer, and no import cycles."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from infra.local.aws import set_environment
from tests.support.source_layout import (
    PACKAGE,
    ROOT,
    capability_of,
    import_graph,
    imports,
    layer_of,
    module_of,
    sources,
)

LEAVES = {"settings", "observability", "errors", "clock"}
# Each layer, with the layers that it can import.
BELOW = {
    "domain": set(),
    "storage": {"domain", *LEAVES},
    "payments": {"domain", *LEAVES},
    "services": {"storage", "payments", "domain", *LEAVES},
    "functions": {"services", "storage", "payments", "domain", *LEAVES},
    "http": {"services", "storage", "domain", *LEAVES},
    "api": {"http", "services", "storage", "domain", *LEAVES},
    # Pages parse forms with the API's models.
    "web": {"api", "http", "services", "storage", "domain", *LEAVES},
    "app": {"api", "web", "functions"},
}
# Each capability, with the capabilities in the same layer that it uses. An edge that no import
# needs must be removed, so the table always describes the code.
CAPABILITIES = {
    "services": {
        "core": set(),
        "settings": {"core"},
        "mail": {"settings"},
        "identity": {"core", "settings", "mail"},
        "resellers": {"core", "settings", "mail"},
        "domains": {"core", "mail"},
        "branding": {"core", "settings", "domains"},
        "tenants": {"core", "settings", "mail", "branding"},
        "purchases": {"core", "settings", "mail", "resellers"},
        "refunds": {"core", "settings", "purchases"},
        "stripe_sync": {"purchases", "refunds"},
        "reconciliation": {
            *("core", "settings", "mail", "identity", "resellers", "tenants", "purchases"),
        },
        "reporting": {"settings", "resellers", "purchases", "reconciliation"},
    },
    "web": {
        "shell": set(),
        "admin_shell": {"shell"},
        "reseller_shell": {"shell"},
        "docs": {"shell"},
        "audit": {"shell", "admin_shell"},
        "settings": {"shell", "admin_shell"},
        "identity": {"shell", "admin_shell", "reseller_shell"},
        "resellers": {"shell", "admin_shell"},
        "branding": {"shell", "admin_shell"},
        "domains": {"shell", "branding"},
        "tenants": {"shell", "admin_shell", "reseller_shell", "audit", "branding"},
        "purchases": {"shell", "admin_shell", "reseller_shell"},
        "refunds": {"shell", "admin_shell", "purchases"},
        "reporting": {"shell", "admin_shell", "reseller_shell"},
        "reconciliation": {"shell", "admin_shell"},
    },
}
# Modules that belong to no capability and can use all capabilities in their layer.
OUTSIDE_CAPABILITIES = {"chalicelib.web.registry"}
# Modules too slow to load on every cold start. Functions that need them import them locally.
SLOW_IMPORTS = {"stripe", "argon2", "jinja2", "dns", "requests"}

EVERY_SOURCE = pytest.mark.parametrize(
    "source", sources(), ids=lambda source: str(source.relative_to(ROOT))
)


@EVERY_SOURCE
def test_a_layer_imports_only_the_layers_below_it(source: Path) -> None:
    layer = layer_of(source)
    own = [module.split(".") for module in imports(source) if module.startswith("chalicelib.")]
    imported = {parts[1] for parts in own if parts[1] != "__init__"}
    allowed = BELOW.get(layer, LEAVES) | {layer}
    assert imported <= allowed, f"{layer} may not import {sorted(imported - allowed)}"


def test_every_layer_has_a_rule() -> None:
    layers = {layer_of(source) for source in sources()} - {"__init__"}
    assert layers <= BELOW.keys() | LEAVES


@pytest.mark.parametrize("layer", CAPABILITIES)
def test_a_capability_uses_exactly_the_capabilities_it_declares(layer: str) -> None:
    used: dict[str, set[str]] = {
        folder.name: set() for folder in (PACKAGE / layer).iterdir() if any(folder.glob("*.py"))
    }
    for module, imported in import_graph().items():
        capability = capability_of(module, layer)
        if capability is None or module in OUTSIDE_CAPABILITIES:
            continue
        used[capability] |= {found for name in imported if (found := capability_of(name, layer))}
    assert {name: found - {name} for name, found in used.items()} == CAPABILITIES[layer]


@pytest.mark.parametrize("layer", CAPABILITIES)
def test_capabilities_do_not_form_a_cycle(layer: str) -> None:
    TopologicalSorter(CAPABILITIES[layer]).prepare()


def test_modules_do_not_import_each_other_in_a_cycle() -> None:
    """Imports inside functions and under TYPE_CHECKING count too."""
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@EVERY_SOURCE
def test_imports_name_modules_and_not_packages(source: Path) -> None:
    """An import of a package would hide which of its modules is used."""
    packages = {module_of(path) for path in sources() if path.name == "__init__.py"}
    assert not packages & set(imports(source))


def test_packages_contain_no_code() -> None:
    for source in sources():
        if source.name == "__init__.py":
            body = ast.parse(source.read_text()).body
            assert all(isinstance(node, ast.Expr) for node in body), source


@EVERY_SOURCE
def test_only_payments_imports_the_stripe_sdk(source: Path) -> None:
    if layer_of(source) != "payments":
        assert "stripe" not in {module.split(".")[0] for module in imports(source)}


@EVERY_SOURCE
def test_the_product_imports_no_tests_or_tools(source: Path) -> None:
    assert not {"tests", "infra", "moto", "pytest"} & {m.split(".")[0] for m in imports(source)}


def test_the_domain_layer_needs_only_the_standard_library() -> None:
    for source in (PACKAGE / "domain").rglob("*.py"):
        outside = {m.split(".")[0] for m in imports(source)} - {"chalicelib"}
        assert outside <= sys.stdlib_module_names, source


def test_leaf_modules_import_no_other_module_of_the_product() -> None:
    for leaf in LEAVES:
        own = {m for m in imports(PACKAGE / f"{leaf}.py") if m.startswith("chalicelib")}
        assert own <= ({"chalicelib.errors.Busy"} if leaf == "settings" else set()), leaf


def test_a_cold_start_imports_nothing_slow() -> None:
    set_environment()
    script = f"import sys, app; print(*sorted({SLOW_IMPORTS!r} & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_settings_are_not_read_at_import() -> None:
    """Routes that need no settings work even if the function's environment is incomplete."""
    found = subprocess.run(
        [sys.executable, "-c", "import app"], cwd=ROOT, capture_output=True, text=True, env={}
    )
    assert found.returncode == 0, found.stderr
