"""A pytest plugin that compares the Lambda functions' AWS calls with their IAM policies.

It records every AWS call that a function makes in a test. After a full run, each recorded call
must be allowed by the function's policy, and each allowed action must have been recorded.

Calls that a test makes itself (fixtures, direct service calls) don't count, with one exception:
most functions consist of one service call, and a test that makes that call counts as a run of the
function.
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
from infra.deployment.permissions import Permission, parameter_resource, permissions_for_call
from infra.deployment.policies import permissions_in_files, policy_file, write_record

ROOT = Path(__file__).parents[2]

current_function: ContextVar[str | None] = ContextVar("current_function", default=None)
recorded: set[Permission] = set()
executed_routes: set[tuple[str, str, str]] = set()
findings: list[str] = []


def pytest_configure() -> None:
    _wrap_handlers()
    _wrap_aws_calls()


def _wrap_handlers() -> None:
    """Track which function is running: the API, or the one whose handler was invoked."""

    def tracking(original: Callable[..., Any], name_of: Callable[[Any], str]) -> Any:
        def invoke(self: Any, *arguments: Any) -> Any:
            token = current_function.set(name_of(self))
            try:
                return original(self, *arguments)
            finally:
                current_function.reset(token)

        return invoke

    api: Any = Chalice
    api.__call__ = tracking(_recording_routes(Chalice.__call__), lambda _: API)
    other: Any = EventSourceHandler
    other.__call__ = tracking(EventSourceHandler.__call__, _function_name)


def _recording_routes(original: Callable[..., Any]) -> Callable[..., Any]:
    """Record which routes succeeded. A failed request might not make all of a route's calls."""

    def invoke(self: Any, event: Any, context: Any) -> Any:
        from chalicelib.web.shell.routing import ACTIONS

        response = original(self, event, context)
        if response["statusCode"] < 400:
            request = event["requestContext"]
            path = request["resourcePath"]
            query = event.get("multiValueQueryStringParameters") or {}
            action = query.get("action", [""])[-1] if path in ACTIONS else ""
            executed_routes.add((request["httpMethod"], path, action))
        return response

    return invoke


def _function_name(handler: EventSourceHandler) -> str:
    function = handler.func
    if isinstance(function, PureLambdaWrapper):
        function = function._original_func
    return NAMES[f"{function.__module__}.{function.__name__}"]


class _FunctionNames(dict[str, str]):
    """Function names by handler.

    Filled on first use, because app.py must not be imported before conftest.py has set the
    environment.
    """

    def __missing__(self, handler: str) -> str:
        self.update({function.handler: function.name for function in functions()})
        return self[handler]


NAMES = _FunctionNames()


@cache
def _service_calls() -> dict[CodeType, str]:
    """Map each service call that makes up a whole function to the function's name."""
    from chalicelib.services.domains import recheck
    from chalicelib.services.mail import outbox
    from chalicelib.services.reconciliation import runs
    from chalicelib.services.reporting import dashboard_stats
    from chalicelib.services.stripe_sync import events, sweep

    calls: dict[Callable[..., Any], str] = {
        recheck.check_due_domains: "check-domains",
        dashboard_stats.refresh_dashboard_stats: "take-figures",
        outbox.send_due: "send-mail",
        runs.resume_run: "reconcile",
        runs.start_run: "reconcile",
        events.handle_event: "stripe-webhook",
        sweep.run_sweep: "sweep-purchases",
    }
    return {call.__code__: function for call, function in calls.items()}


def _calling_function() -> str | None:
    """Return the running function, or the one whose service call a test made directly."""
    function = current_function.get()
    frame = sys._getframe() if function is None else None
    while frame is not None and function is None:
        function, frame = _service_calls().get(frame.f_code), frame.f_back
    return function


def _wrap_aws_calls() -> None:
    from chalicelib.settings import SettingValue, settings

    make_api_call = botocore.client.BaseClient._make_api_call

    def record_call(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        function = _calling_function()
        if function is not None:
            service = self.meta.service_model.service_name
            prefix = settings().table_prefix
            recorded.update(
                permissions_for_call(function, service, operation, parameters, prefix=prefix)
            )
        return make_api_call(self, operation, parameters)

    botocore.client.BaseClient._make_api_call = record_call

    # In tests, these values come from environment variables. On AWS, reading one is an SSM call.
    read = SettingValue.read

    def record_read(self: SettingValue) -> str:
        function = _calling_function()
        if function is not None:
            name = parameter_resource(f"/{self.variable.lower().replace('_', '-')}")
            recorded.add(Permission(function, "ssm:GetParameter", name))
        return read(self)

    value: Any = SettingValue
    value.read = record_read
    _wrap_cached_settings()


def _wrap_cached_settings() -> None:
    """Count a cache hit as a read, because functions share a cache in tests, but not on AWS."""
    from chalicelib.services.settings import platform_settings
    from chalicelib.settings import settings

    cached_settings = platform_settings.cached_settings

    def record_cached_settings() -> Any:
        function = _calling_function()
        if function is not None:
            prefix = settings().table_prefix
            parameters = {"TableName": f"{prefix}-settings"}
            recorded.update(
                permissions_for_call(function, "dynamodb", "GetItem", parameters, prefix=prefix)
            )
        return cached_settings()

    module: Any = platform_settings
    module.cached_settings = record_cached_settings


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["permissions"] = [tuple(permission) for permission in recorded]
        config.workeroutput["executed_routes"] = list(executed_routes)
        return
    if not _is_full_run(config):
        return
    write_record(recorded)
    if exitstatus != pytest.ExitCode.OK:
        return
    findings.extend(_routes_without_test())
    findings.extend(_compare(recorded, permissions_in_files()))
    if findings:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})
    recorded.update(Permission(*row) for row in output.get("permissions", []))
    executed_routes.update(output.get("executed_routes", []))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if findings:
        terminalreporter.section("AWS permissions")
        for finding in findings:
            terminalreporter.line(finding)
        terminalreporter.line("Run make policies to rewrite them from this run. Review the diff.")


def _is_full_run(config: pytest.Config) -> bool:
    option = config.option
    # The marker expression in pyproject.toml excludes only engine and browser tests, so a run with
    # it is still a full run.
    marked = option.markexpr and option.markexpr not in config.getini("addopts")
    partial = option.keyword or marked or getattr(option, "deselect", None)
    return not partial and [Path(a).resolve() for a in config.args] == [ROOT / "tests"]


def _declared_routes() -> set[tuple[str, str, str]]:
    from app import app
    from chalicelib.web.shell.routing import ACTIONS

    return {
        (method, path, action)
        for path, methods in app.routes.items()
        for method in methods
        if method != "HEAD"  # the same handler as GET
        for action in (ACTIONS[path] if method == "POST" and path in ACTIONS else ("",))
    }


def _routes_without_test() -> list[str]:
    return [
        f"No test executes {method} {path} {action}".rstrip() + ", so its AWS calls are unknown."
        for method, path, action in sorted(_declared_routes() - executed_routes)
    ]


def _compare(used: set[Permission], allowed: set[Permission]) -> list[str]:
    def policy_path(permission: Permission) -> str:
        return str(policy_file(permission.function).relative_to(ROOT))

    return [
        *(
            f"No test invokes {function.name}, so its AWS calls are unknown."
            for function in functions()
            if function.name not in {permission.function for permission in used}
        ),
        *(
            f"{p.function} calls {p.action} on {p.resource}, which {policy_path(p)} does not allow."
            for p in sorted(used - allowed)
        ),
        *(
            f"{p.function} never calls {p.action} on {p.resource}, but {policy_path(p)} allows it."
            for p in sorted(allowed - used)
        ),
    ]
