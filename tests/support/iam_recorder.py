"""A pytest plugin: every call to AWS that a function makes in a test is written down with the
function's name, and after a whole run held against the functions' policies, both ways.

What a test does by itself (fixtures, services called directly) is nobody's call; but for the
one service call that a function consists of: whoever calls that does the function's work.
"""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import botocore.client
import pytest
from chalice.app import Chalice, EventSourceHandler, PureLambdaWrapper

from infra.deployment.inventory import API, functions
from infra.deployment.permissions import Permission, needed, parameter
from infra.deployment.policies import policy_file, write_record, written

ROOT = Path(__file__).parents[2]

called_in: ContextVar[str | None] = ContextVar("called_in", default=None)
recorded: set[Permission] = set()
carried_out: set[tuple[str, str]] = set()
findings: list[str] = []


def pytest_configure() -> None:
    _watch_entries()
    _watch_calls()


def _watch_entries() -> None:
    """Who is being invoked: the API, or the function that this handler is."""

    def entering(original: Callable[..., Any], name_of: Callable[[Any], str]) -> Any:
        def entered(self: Any, *arguments: Any) -> Any:
            token = called_in.set(name_of(self))
            try:
                return original(self, *arguments)
            finally:
                called_in.reset(token)

        return entered

    api: Any = Chalice
    api.__call__ = entering(_noting_routes(Chalice.__call__), lambda _: API)
    other: Any = EventSourceHandler
    other.__call__ = entering(EventSourceHandler.__call__, _name_of)


def _noting_routes(original: Callable[..., Any]) -> Callable[..., Any]:
    """Which routes did what they are for: what the others call is not known."""

    def noting(self: Any, event: Any, context: Any) -> Any:
        answer = original(self, event, context)
        if answer["statusCode"] < 400:
            request = event["requestContext"]
            carried_out.add((request["httpMethod"], request["resourcePath"]))
        return answer

    return noting


def _name_of(handler: EventSourceHandler) -> str:
    function = handler.func
    if isinstance(function, PureLambdaWrapper):
        function = function._original_func
    return NAMES[f"{function.__module__}.{function.__name__}"]


class _Names(dict[str, str]):
    """Handlers by their module, looked up late: app.py may be imported only after pytest's
    conftest has set the environment."""

    def __missing__(self, handler: str) -> str:
        self.update({function.handler: function.name for function in functions()})
        return self[handler]


NAMES = _Names()


@cache
def _work() -> dict[CodeType, str]:
    """What each function's handler hands its event to, and so is all that it does."""
    from chalicelib.services.domains import recheck
    from chalicelib.services.mail import outbox
    from chalicelib.services.reconciliation import runs
    from chalicelib.services.reporting import dashboard_stats
    from chalicelib.services.stripe_sync import events, sweep

    work: dict[Callable[..., Any], str] = {
        recheck.check_due_domains: "check-domains",
        dashboard_stats.refresh_dashboard_stats: "take-figures",
        outbox.send_due: "send-mail",
        runs.resume_run: "reconcile",
        runs.start_run: "reconcile",
        events.handle_event: "stripe-webhook",
        sweep.run_sweep: "sweep-purchases",
    }
    return {entry.__code__: function for entry, function in work.items()}


def _caller() -> str | None:
    """The function that is being invoked, or whose work a test has called directly."""
    function = called_in.get()
    frame = sys._getframe() if function is None else None
    while frame is not None and function is None:
        function, frame = _work().get(frame.f_code), frame.f_back
    return function


def _watch_calls() -> None:
    from chalicelib.settings import SettingValue, settings

    make_api_call = botocore.client.BaseClient._make_api_call

    def observed(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        function = _caller()
        if function is not None:
            service = self.meta.service_model.service_name
            prefix = settings().table_prefix
            recorded.update(needed(function, service, operation, parameters, prefix=prefix))
        return make_api_call(self, operation, parameters)

    botocore.client.BaseClient._make_api_call = observed

    # Tests find these in their environment; on AWS the same reading is a call.
    read = SettingValue.read

    def read_observed(self: SettingValue) -> str:
        function = _caller()
        if function is not None:
            name = parameter(f"/{self.variable.lower().replace('_', '-')}")
            recorded.add(Permission(function, "ssm:GetParameter", name))
        return read(self)

    value: Any = SettingValue
    value.read = read_observed
    _watch_remembered_settings()


def _watch_remembered_settings() -> None:
    """Here all functions share a process, and so the settings that one has read; on AWS each
    must read them for itself."""
    from chalicelib.services.settings import platform_settings
    from chalicelib.settings import settings

    current = platform_settings.cached_settings

    def current_observed() -> Any:
        function = _caller()
        if function is not None:
            prefix = settings().table_prefix
            asked = {"TableName": f"{prefix}-settings"}
            recorded.update(needed(function, "dynamodb", "GetItem", asked, prefix=prefix))
        return current()

    module: Any = platform_settings
    module.cached_settings = current_observed


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["permissions"] = [tuple(permission) for permission in recorded]
        config.workeroutput["carried_out"] = list(carried_out)
        return
    if not _is_whole(config):
        return
    write_record(recorded)
    if exitstatus != pytest.ExitCode.OK:
        return
    findings.extend(_unseen())
    findings.extend(_findings(recorded, written()))
    if findings:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})
    recorded.update(Permission(*row) for row in output.get("permissions", []))
    carried_out.update(output.get("carried_out", []))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if findings:
        terminalreporter.section("AWS permissions")
        for finding in findings:
            terminalreporter.line(finding)
        terminalreporter.line("make policies writes them anew from this run; then read the diff.")


def _is_whole(config: pytest.Config) -> bool:
    option = config.option
    # pyproject.toml leaves the engine and the browser out: a run like that is a whole one.
    marked = option.markexpr and option.markexpr not in config.getini("addopts")
    narrowed = option.keyword or marked or getattr(option, "deselect", None)
    return not narrowed and [Path(a).resolve() for a in config.args] == [ROOT / "tests"]


def _declared() -> set[tuple[str, str]]:
    from app import app

    return {
        (method, path)
        for path, methods in app.routes.items()
        for method in methods
        if method != "HEAD"  # a GET without its body
    }


def _unseen() -> list[str]:
    return [
        f"No test carries out {method} {path}: what it calls is not known."
        for method, path in sorted(_declared() - carried_out)
    ]


def _findings(used: set[Permission], allowed: set[Permission]) -> list[str]:
    def where(permission: Permission) -> str:
        return str(policy_file(permission.function).relative_to(ROOT))

    return [
        *(
            f"No test invokes {function.name}: what it calls is not known."
            for function in functions()
            if function.name not in {permission.function for permission in used}
        ),
        *(
            f"{p.function} calls {p.action} on {p.resource}: {where(p)} does not allow it."
            for p in sorted(used - allowed)
        ),
        *(
            f"{p.function} never calls {p.action} on {p.resource}: {where(p)} allows it."
            for p in sorted(allowed - used)
        ),
    ]
