"""Every handler as Lambda runs it: in a clean process, from the unpacked archive, which nobody
may write to, against AWS and Stripe over real HTTP."""

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

REGION = "eu-west-1"  # another than the tests in this process use
STRIPE_KEY, STRIPE_SECRET = "sk_test_archive", "whsec_archive"
SECRETS = {
    "public-url": "https://licenses.example.com",
    "stripe-secret-key": STRIPE_KEY,
    "stripe-webhook-secret": STRIPE_SECRET,
}
ALL = functions()

# What a handler must not load before it has something to do with it: each costs every cold
# start. The webhook must not have it even after a message.
NOT_AT_START = ("stripe", "argon2", "jinja2", "dns", "boto3", "requests", "email_validator.dns")
NEVER_IN_WEBHOOK = ("jinja2", "argon2", "dns", "chalicelib.api", "chalicelib.web", "app")


@dataclass
class Ran:
    """answer: what the handler returned; error: the traceback where it raised instead."""

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
    """The archive that this machine's processor can run."""
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
    """AWS and Stripe as servers; the environment of a function that finds them."""
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
    _fill(environment["AWS_ENDPOINT_URL"])
    try:
        yield environment
    finally:
        stripe.stop()
        aws.stop()


def _fill(endpoint: str) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint, region_name=REGION, **keys)
    for definition in table_definitions():
        definition.pop("TimeToLiveSpecification", None)
        dynamodb.create_table(**definition)
    ssm = boto3.client("ssm", endpoint_url=endpoint, region_name=REGION, **keys)
    for name, value in SECRETS.items():
        kind = "String" if name == "public-url" else "SecureString"
        ssm.put_parameter(Name=f"/tenantry/dev/{name}", Value=value, Type=kind)


def run(unpacked: Path, handler: str, environment: dict[str, str], event: Any = None) -> Ran:
    script = Path(__file__).with_name("run_handler.py")
    arguments = [] if event is None else [json.dumps(event)]
    done = subprocess.run(
        # -S: none of this environment's packages, so that the archive has to have them all.
        [sys.executable, "-s", "-S", str(script), str(unpacked), handler, *arguments],
        env={**environment, "PYTHONWARNINGS": "ignore"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    return Ran(lines=[json.loads(line) for line in lines], **json.loads(last))


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


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_a_handler_loads_little_and_reads_no_environment(
    unpacked: Path, function: Function
) -> None:
    ran = run(unpacked, function.handler, {})
    assert not ran.loaded(NOT_AT_START)
    if function.name != API:
        assert not ran.loaded(NEVER_IN_WEBHOOK)


@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_a_handler_carries_out_its_event(
    unpacked: Path, cloud: dict[str, str], function: Function
) -> None:
    before = listing(unpacked)
    ran = run(unpacked, function.handler, cloud, event_of(function))
    assert not ran.error
    if isinstance(ran.answer, dict) and "statusCode" in ran.answer:
        assert ran.answer["statusCode"] == 200, ran.answer
    (line,) = [line for line in ran.lines if "milliseconds" in line]
    assert line["cold_start"] is True
    assert not [secret for secret in (STRIPE_KEY, STRIPE_SECRET) if secret in ran.logged()]
    assert listing(unpacked) == before
    if function.name == "stripe-webhook":
        assert not ran.loaded(NEVER_IN_WEBHOOK)


def test_metrics_are_told_in_the_stage_s_own_namespace(
    unpacked: Path, cloud: dict[str, str]
) -> None:
    """As the alarms and the dashboard ask for them."""
    (figures,) = [function for function in ALL if function.name == "take-figures"]
    ran = run(unpacked, figures.handler, cloud, event_of(figures))
    ((told,),) = [line["_aws"]["CloudWatchMetrics"] for line in ran.lines if "_aws" in line]
    assert (told["Namespace"], told["Dimensions"]) == ("Tenantry/dev", [["service"]])
    assert "LicensesOwned" in {metric["Name"] for metric in told["Metrics"]}


def listing(folder: Path) -> dict[str, float]:
    """What was written since: root may write to what nobody may write to."""
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


def without(cloud: dict[str, str], *names: str, **changes: str) -> dict[str, str]:
    return {**{k: v for k, v in cloud.items() if k not in names}, **changes}


BROKEN = {
    "a missing variable": (("STAGE",), {}, "STAGE"),
    "neither value nor parameter": (
        ("STRIPE_SECRET_KEY_PARAMETER",),
        {},
        "STRIPE_SECRET_KEY_PARAMETER",
    ),
    "no such table": ((), {"TABLE_PREFIX": "elsewhere"}, "TABLE_PREFIX is elsewhere"),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("function", ALL, ids=by_name)
def test_a_broken_configuration_is_named_at_the_first_request(
    unpacked: Path, cloud: dict[str, str], function: Function, fault: str
) -> None:
    missing, changes, told = BROKEN[fault]
    environment = {**without(cloud, *missing), **changes}
    ran = run(unpacked, function.handler, environment, event_of(function))
    if function.name in (API, "stripe-webhook"):
        answer = ran.answer
        assert answer["statusCode"] == 500
        assert told not in answer["body"]
        assert told in ran.logged()
    else:
        assert told in ran.error


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("stripe-webhook", "STRIPE_WEBHOOK_SECRET_PARAMETER"),
        ("stripe-webhook", "STRIPE_SECRET_KEY_PARAMETER"),
        ("sweep-purchases", "STRIPE_SECRET_KEY_PARAMETER"),
        ("create-first-admin", "PUBLIC_URL_PARAMETER"),
    ],
)
def test_an_absent_secret_is_named_when_it_is_needed(
    unpacked: Path, cloud: dict[str, str], name: str, secret: str
) -> None:
    environment = {**cloud, secret: "/tenantry/dev/nowhere"}
    (function,) = [function for function in ALL if function.name == name]
    ran = run(unpacked, function.handler, environment, event_of(function))
    assert secret in ran.logged()
    if name == "stripe-webhook":
        assert ran.answer["statusCode"] == 500
        assert "nowhere" not in ran.answer["body"]
    else:
        assert secret in ran.error


def test_a_broken_configuration_answers_a_problem_document(
    unpacked: Path, cloud: dict[str, str]
) -> None:
    (api,) = [function for function in ALL if function.name == API]
    ran = run(unpacked, api.handler, without(cloud, "STAGE"), event_of(api))
    assert ran.answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(ran.answer["body"])["code"] == "internal_error"


def test_running_as_someone_else_would_be_refused(unpacked: Path) -> None:
    """The archive's files are read-only, as they are on Lambda."""
    assert not [path for path in unpacked.rglob("*") if os.stat(path).st_mode & 0o222]
