"""Every handler, run as Lambda runs it.

Each handler runs in a clean process, from the unpacked read-only archive, and calls simulators of
AWS and Stripe over real HTTP.
"""

import json
import os
import platform
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.deployment.inventory import API, ROOT, Function, functions
from infra.local.aws import table_definitions
from infra.local.stripe_simulator.server import SimulatorServer
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.site import Site
from tests.deployment.conftest import locked

REGION = "eu-west-1"  # differs from the region that tests in this process use
STRIPE_KEY, STRIPE_SECRET = "sk_test_archive", "whsec_archive"
SECRETS = {
    "public-url": "https://licenses.example.com",
    "stripe-secret-key": STRIPE_KEY,
    "stripe-webhook-secret": STRIPE_SECRET,
}
FUNCTIONS = functions()

# Modules that a handler must not load on import, because each slows down every cold start.
NOT_AT_IMPORT = ("stripe", "argon2", "jinja2", "dns", "boto3", "requests", "email_validator.dns")
# Modules that no function except the API may load on import. The webhook must never load them.
NOT_IN_WEBHOOK = (
    "jinja2",
    "argon2",
    "dns",
    "chalicelib.http",
    "chalicelib.api",
    "chalicelib.web",
    "app",
)


@dataclass
class RunResult:
    """`answer` is the handler's return value; `error` is the traceback if it raised."""

    modules: list[str]
    lines: list[dict[str, Any]]
    answer: Any = None
    error: str = ""

    def loaded(self, packages: tuple[str, ...]) -> list[str]:
        return [m for m in self.modules if m.startswith(tuple(f"{p}." for p in packages))] + [
            m for m in self.modules if m in packages
        ]

    def logged(self) -> str:
        return json.dumps(self.lines)


@pytest.fixture(scope="session")
def unpacked(shared: Path, archives: dict[str, tuple[Path, dict[str, int]]]) -> Path:
    """The unpacked archive for this machine's architecture."""
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    folder = shared / "task"
    with locked(shared / "task.lock"):
        if not folder.exists():
            with zipfile.ZipFile(archives[machine][0]) as archive:
                archive.extractall(folder)
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o555)
    return folder


@pytest.fixture(scope="module")
def cloud() -> Iterator[dict[str, str]]:
    """Run simulated AWS and Stripe servers.

    Yield the environment that points a function at them.
    """
    aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    simulator = StripeSimulator(api_key=STRIPE_KEY, webhook_secrets=[STRIPE_SECRET])
    stripe = SimulatorServer(Site(simulator))
    stripe.start()
    host, port = aws.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STAGE": "dev",
        "POWERTOOLS_METRICS_NAMESPACE": "Tenantry/dev",
        "TABLE_PREFIX": "tenantry-dev",
        "STRIPE_API_BASE": stripe.url,
        "MAIL_FROM": "licenses@example.com",
        **{
            f"{name.upper().replace('-', '_')}_PARAMETER": f"/tenantry/dev/{name}"
            for name in SECRETS
        },
    }
    _create_tables_and_parameters(environment["AWS_ENDPOINT_URL"])
    try:
        yield environment
    finally:
        stripe.stop()
        aws.stop()


def _create_tables_and_parameters(endpoint: str) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint, region_name=REGION, **keys)
    for definition in table_definitions():
        definition.pop("TimeToLiveSpecification", None)
        dynamodb.create_table(**definition)
    ssm = boto3.client("ssm", endpoint_url=endpoint, region_name=REGION, **keys)
    for name, value in SECRETS.items():
        kind = "String" if name == "public-url" else "SecureString"
        ssm.put_parameter(Name=f"/tenantry/dev/{name}", Value=value, Type=kind)


def run(unpacked: Path, handler: str, environment: dict[str, str], event: Any = None) -> RunResult:
    script = Path(__file__).with_name("run_handler.py")
    arguments = [] if event is None else [json.dumps(event)]
    completed = subprocess.run(
        # -S hides the installed packages, so the archive must provide all of them.
        [sys.executable, "-s", "-S", str(script), str(unpacked), handler, *arguments],
        env={**environment, "PYTHONWARNINGS": "ignore"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    *lines, last = completed.stdout.splitlines()
    return RunResult(lines=[json.loads(line) for line in lines], **json.loads(last))


def event_of(function: Function) -> Any:
    event = json.loads((ROOT / "infra" / "events" / f"{function.name}.json").read_text())
    if function.name == "stripe-webhook":
        event["headers"]["stripe-signature"] = signature(event["body"])
    return event


def signature(body: str) -> str:
    import stripe

    now = int(time.time())
    signed = stripe.WebhookSignature._compute_signature(f"{now}.{body}", STRIPE_SECRET)
    return f"t={now},v1={signed}"


def by_name(function: Function) -> str:
    return function.name


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_importing_a_handler_loads_little_and_needs_no_settings(
    unpacked: Path, function: Function
) -> None:
    result = run(unpacked, function.handler, {})
    assert not result.loaded(NOT_AT_IMPORT)
    if function.name != API:
        assert not result.loaded(NOT_IN_WEBHOOK)


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_a_handler_processes_its_event(
    unpacked: Path, cloud: dict[str, str], function: Function
) -> None:
    before = modification_times(unpacked)
    result = run(unpacked, function.handler, cloud, event_of(function))
    assert not result.error
    if isinstance(result.answer, dict) and "statusCode" in result.answer:
        assert result.answer["statusCode"] == 200, result.answer
    (line,) = [line for line in result.lines if "milliseconds" in line]
    assert line["cold_start"] is True
    assert not [secret for secret in (STRIPE_KEY, STRIPE_SECRET) if secret in result.logged()]
    assert modification_times(unpacked) == before
    if function.name == "stripe-webhook":
        assert not result.loaded(NOT_IN_WEBHOOK)


def test_metrics_use_the_namespace_of_the_stage(unpacked: Path, cloud: dict[str, str]) -> None:
    """The alarms and the dashboard read their metrics from the same namespace."""
    (figures,) = [function for function in FUNCTIONS if function.name == "take-figures"]
    result = run(unpacked, figures.handler, cloud, event_of(figures))
    ((group,),) = [line["_aws"]["CloudWatchMetrics"] for line in result.lines if "_aws" in line]
    assert (group["Namespace"], group["Dimensions"]) == ("Tenantry/dev", [["service"]])
    assert "LicensesOwned" in {metric["Name"] for metric in group["Metrics"]}


def modification_times(folder: Path) -> dict[str, float]:
    """Return each file's modification time.

    File modes are not enough: root can write read-only files.
    """
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


def without(cloud: dict[str, str], *names: str, **changes: str) -> dict[str, str]:
    return {**{k: v for k, v in cloud.items() if k not in names}, **changes}


BROKEN_SETTINGS = {
    "a missing variable": (("STAGE",), {}, "STAGE"),
    "neither value nor parameter": (
        ("STRIPE_SECRET_KEY_PARAMETER",),
        {},
        "STRIPE_SECRET_KEY_PARAMETER",
    ),
    "no such table": ((), {"TABLE_PREFIX": "elsewhere"}, "TABLE_PREFIX is elsewhere"),
}


@pytest.mark.parametrize("fault", BROKEN_SETTINGS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_the_first_request_reports_a_broken_configuration(
    unpacked: Path, cloud: dict[str, str], function: Function, fault: str
) -> None:
    missing, changes, message = BROKEN_SETTINGS[fault]
    environment = {**without(cloud, *missing), **changes}
    result = run(unpacked, function.handler, environment, event_of(function))
    if function.name in (API, "stripe-webhook"):
        answer = result.answer
        assert answer["statusCode"] == 500
        assert message not in answer["body"]
        assert message in result.logged()
    else:
        assert message in result.error


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("stripe-webhook", "STRIPE_WEBHOOK_SECRET_PARAMETER"),
        ("stripe-webhook", "STRIPE_SECRET_KEY_PARAMETER"),
        ("sweep-purchases", "STRIPE_SECRET_KEY_PARAMETER"),
        ("create-first-admin", "PUBLIC_URL_PARAMETER"),
    ],
)
def test_a_missing_secret_is_reported_when_it_is_needed(
    unpacked: Path, cloud: dict[str, str], name: str, secret: str
) -> None:
    environment = {**cloud, secret: "/tenantry/dev/nowhere"}
    (function,) = [function for function in FUNCTIONS if function.name == name]
    result = run(unpacked, function.handler, environment, event_of(function))
    assert secret in result.logged()
    if name == "stripe-webhook":
        assert result.answer["statusCode"] == 500
        assert "nowhere" not in result.answer["body"]
    else:
        assert secret in result.error


def test_the_api_reports_a_broken_configuration_as_a_problem_document(
    unpacked: Path, cloud: dict[str, str]
) -> None:
    (api,) = [function for function in FUNCTIONS if function.name == API]
    result = run(unpacked, api.handler, without(cloud, "STAGE"), event_of(api))
    assert result.answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(result.answer["body"])["code"] == "internal_error"


def test_the_archive_is_unpacked_read_only(unpacked: Path) -> None:
    """Lambda's code folder is read-only as well."""
    assert not [path for path in unpacked.rglob("*") if os.stat(path).st_mode & 0o222]
