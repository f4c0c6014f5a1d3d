"""The house rules, held against the source: who imports whom, and where each thing is done."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import app
from chalicelib import errors
from chalicelib.api.declarations import ROUTES, Audience, Route
from chalicelib.api.problems import STATUSES, status_of
from infra.local.aws import set_environment
from tests.support.source_layout import PACKAGE, ROOT, imports, layer_of, sources

LEAVES = {"settings", "observability", "errors", "clock"}
BELOW = {
    "domain": set(),
    "storage": {"domain", *LEAVES},
    "payments": {"domain", *LEAVES},
    "services": {"storage", "payments", "domain", *LEAVES},
    "functions": {"services", "storage", "payments", "domain", *LEAVES},
    "api": {"services", "storage", "domain", *LEAVES},
    # Pages read forms by the same models, and refuse with the same statuses, as the API.
    "web": {"api", "services", "storage", "domain", *LEAVES},
    "app": {"api", "web", "functions"},
}
# Too slow for every cold start: imported inside the functions that need them.
HEAVY = {"stripe", "argon2", "jinja2", "dns", "requests"}

EVERY_SOURCE = pytest.mark.parametrize(
    "source", sources(), ids=lambda source: str(source.relative_to(ROOT))
)


@EVERY_SOURCE
def test_imports_go_one_way(source: Path) -> None:
    room = layer_of(source)
    own = [module.split(".") for module in imports(source) if module.startswith("chalicelib.")]
    rooms = {parts[1] for parts in own if parts[1] != "__init__"}
    allowed = BELOW.get(room, LEAVES) | {room}
    assert rooms <= allowed, f"{room} may not import {sorted(rooms - allowed)}"


@EVERY_SOURCE
def test_only_payments_knows_stripes_sdk(source: Path) -> None:
    if layer_of(source) != "payments":
        assert "stripe" not in {module.split(".")[0] for module in imports(source)}


@EVERY_SOURCE
def test_the_product_imports_nothing_of_tests_and_tools(source: Path) -> None:
    assert not {"tests", "infra", "moto", "pytest"} & {m.split(".")[0] for m in imports(source)}


RUNS_TEXT = {"eval", "exec", "compile", "__import__", "system", "popen"}
READS_ANYTHING = {"subprocess", "pickle", "marshal", "shelve", "ctypes", "xml", "lxml", "yaml"}


@EVERY_SOURCE
def test_nothing_runs_commands_or_text(source: Path) -> None:
    """Nor reads a format that could do more than hold values."""
    assert not READS_ANYTHING & {module.split(".")[0] for module in imports(source)}
    calls = [
        node.func for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)
    ]
    called = {call.id for call in calls if isinstance(call, ast.Name)}
    of_modules = [call for call in calls if isinstance(call, ast.Attribute)]
    called |= {c.attr for c in of_modules if isinstance(c.value, ast.Name) and c.value.id == "os"}
    assert not RUNS_TEXT & called


def test_the_pages_script_writes_text_and_keeps_nothing() -> None:
    script = (ROOT / "chalicelib" / "web" / "static" / "app.js").read_text()
    for word in (
        *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc"),
        *("eval(", "Function(", "javascript:"),
        *("localStorage", "sessionStorage", "indexedDB", "document.cookie", "caches."),
    ):
        assert word not in script


def test_templates_mark_nothing_safe_by_hand() -> None:
    for template in (ROOT / "chalicelib" / "web" / "templates").rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|<script(?! src=)", text)


def test_every_component_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        named = [line for line in lines if line and not line.startswith((" ", "#", "-"))]
        assert named
        assert [line for line in named if "==" not in line] == []


def test_every_room_is_known() -> None:
    rooms = {layer_of(source) for source in sources()} - {"__init__"}
    assert rooms <= BELOW.keys() | LEAVES


def test_domain_needs_the_standard_library_alone() -> None:
    for source in (PACKAGE / "domain").rglob("*.py"):
        outside = {m.split(".")[0] for m in imports(source)} - {"chalicelib"}
        assert outside <= sys.stdlib_module_names, source


def test_the_leaves_import_nothing_of_the_house() -> None:
    for leaf in LEAVES:
        assert not [m for m in imports(PACKAGE / f"{leaf}.py") if m.startswith("chalicelib")], leaf


def test_only_the_pool_writes_the_counters() -> None:
    """No other file sets or adds to them, or names them to Transaction.change."""
    pool = PACKAGE / "storage" / "pool.py"
    for source in sources():
        if source == pool:
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                written = {t.attr for t in targets if isinstance(t, ast.Attribute)}
                assert not {"license_count", "license_used"} & written, source
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            counters = {"license_count", "license_used"}
            if node.func.attr == "change":
                named = {keyword.arg for keyword in node.keywords}
                assert not counters & named, source
            if node.func.attr in ("set", "add", "remove"):
                target = node.func.value
                assert not (isinstance(target, ast.Attribute) and target.attr in counters), source


def test_the_map_holds_no_function() -> None:
    body = ast.parse((ROOT / "app.py").read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node for node in ast.walk(body) if isinstance(node, kinds)]


@EVERY_SOURCE
def test_files_stay_readable(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= 300


def test_nothing_heavy_is_imported_at_a_cold_start() -> None:
    set_environment()
    script = f"import sys, app; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_settings_are_not_read_at_import() -> None:
    """A function's environment may be incomplete; what needs no settings must still answer."""
    found = subprocess.run(
        [sys.executable, "-c", "import app"], cwd=ROOT, capture_output=True, text=True, env={}
    )
    assert found.returncode == 0, found.stderr


EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")


@EVERY_ROUTE
def test_a_route_says_who_may_call_it(route: Route) -> None:
    assert route.audience in Audience
    assert ("{reseller}" in route.path) <= (route.audience in (Audience.RESELLER, Audience.ADMIN))
    assert (route.audience is Audience.RESELLER) <= ("{reseller}" in route.path)


@EVERY_ROUTE
def test_a_route_is_described(route: Route) -> None:
    assert route.handler.__doc__


def test_only_these_routes_are_public() -> None:
    """Making a route public is a decision: it is made here too."""
    public = {(r.method, r.path) for r in ROUTES if r.audience is Audience.PUBLIC}
    assert public <= {
        ("POST", "/v1/login"),
        ("POST", "/v1/password/reset-request"),
        ("POST", "/v1/password/reset"),
        ("GET", "/v1/pricing"),
        ("GET", "/v1/pricing/quote"),
        ("GET", "/v1/branding"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/health"),
    }


def test_chalice_serves_no_json_route_that_is_not_declared() -> None:
    served = {(m, path) for path, methods in app.app.routes.items() for m in methods}
    declared = {(route.method, route.path) for route in ROUTES}
    assert declared <= served
    assert {path for _, path in served - declared if path.startswith("/v1")} == set()


def test_one_place_of_a_path_has_one_name() -> None:
    """API Gateway refuses `/a/{x}` beside `/a/{y}/b`: the deployment would fail."""
    names: dict[str, set[str]] = {}
    for path in app.app.routes:
        parts = path.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                names.setdefault("/".join(parts[:place]), set()).add(part)
    assert {place: found for place, found in names.items() if len(found) > 1} == {}


def every_error(base: type[errors.TenantryError]) -> list[type[errors.TenantryError]]:
    return [cls for sub in base.__subclasses__() for cls in (sub, *every_error(sub))]


@pytest.mark.parametrize("error", every_error(errors.TenantryError), ids=lambda e: e.__name__)
def test_every_error_has_a_code_and_a_status(error: type[errors.TenantryError]) -> None:
    assert error.code
    assert 400 <= status_of(error.__new__(error)) < 600


def test_every_status_is_used_by_an_error_that_exists() -> None:
    assert set(STATUSES) <= set(every_error(errors.TenantryError))
