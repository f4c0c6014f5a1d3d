"""The commands that change an account: what they refuse, and what they send."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import yaml
from botocore import waiter
from botocore.exceptions import WaiterError
from moto.cloudformation.models import CloudFormationBackend

from infra.confirm import confirmed
from infra.deployment import deploy, destroy
from infra.deployment.deploy import Refused, chosen, reserved, upload
from infra.deployment.package import TEMPLATE, read_template
from tests.deployment.sam import of_type, transform


def test_prod_is_never_destroyed(capsys: pytest.CaptureFixture[str]) -> None:
    assert destroy.destroy("prod") == 1
    assert "prod is not destroyed" in capsys.readouterr().err


def test_a_stack_is_destroyed_by_name_only(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client("cloudformation")
    client.create_stack(StackName="tenantry-dev", TemplateBody='{"Resources": {}}')
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert destroy.destroy("dev") == 1
    assert client.describe_stacks(StackName="tenantry-dev")["Stacks"]
    monkeypatch.setattr("builtins.input", lambda _: "dev")
    assert destroy.destroy("dev") == 0
    assert not client.describe_stacks()["Stacks"]
    assert "is gone" in capsys.readouterr().out


def test_nothing_is_deployed_before_its_secrets_are_there(aws: None, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="/tenantry/staging/stripe-secret-key"):
        deploy.deploy("staging", "bucket", [], tmp_path)


def test_values_that_are_not_given_are_kept() -> None:
    wanted = {"Stage", "AlarmEmail", "CustomDomain"}
    assert chosen(["AlarmEmail=a=b@example.com"], wanted, wanted) == [
        {"ParameterKey": "AlarmEmail", "ParameterValue": "a=b@example.com"},
        {"ParameterKey": "CustomDomain", "UsePreviousValue": True},
    ]
    with pytest.raises(Refused, match="no parameter AlarmMail"):
        chosen(["AlarmMail=x"], set(), wanted)


def test_the_uploaded_template_names_the_uploaded_archive(
    aws: None, packages: dict[str, Path]
) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="archives")
    key = upload(packages["dev"], "archives").partition(".com/")[2]
    text = s3.get_object(Bucket="archives", Key=key)["Body"].read()
    template = yaml.safe_load(text)
    functions = of_type(template, "AWS::Serverless::Function")
    assert set(functions) == set(
        of_type(read_template(packages["dev"]), "AWS::Serverless::Function")
    )
    for function in functions.values():
        code = function["Properties"]["CodeUri"]
        assert s3.head_object(Bucket="archives", Key=code["Key"])["ContentLength"] > 1_000_000


# What moto makes of a stack. The rest (functions, which it would run in Docker; the API, whose
# body it does not read; alarms, domains) is shown as a change, and not made.
MADE = (
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)
BUCKET = "archives-of-the-north"
STAGE = "staging"
SAM = "AWS::Serverless-2016-10-31"


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A region of its own, with a bucket and the two secrets. CloudFormation is moto's, but
    for the SAM transform, which AWS carries out when a change set is made."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    create = CloudFormationBackend.create_change_set

    def transforming(self: Any, **named: Any) -> Any:
        template = made_by_moto(yaml.safe_load(named.pop("template")))
        return create(self, template=template, **named)

    def never(_seconds: float) -> None:
        raise AssertionError("It would wait for what moto does at once.")

    monkeypatch.setattr(CloudFormationBackend, "create_change_set", transforming)
    monkeypatch.setattr(waiter, "time", SimpleNamespace(sleep=never))
    monkeypatch.setattr(deploy, "free_executions", lambda: 1000)
    s3 = boto3.client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        here = {"LocationConstraint": "eu-north-1"}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=here)
    ssm = boto3.client("ssm")
    for secret in deploy.SECRETS:
        ssm.put_parameter(
            Name=f"/tenantry/{STAGE}/{secret}", Value="x", Type="SecureString", Overwrite=True
        )
    yield
    boto3.client("cloudformation").delete_stack(StackName=f"tenantry-{STAGE}")


def made_by_moto(uploaded: dict[str, Any]) -> str:
    assert uploaded["Transform"] == SAM
    whole = transform(uploaded)
    kept = {n: r for n, r in whole["Resources"].items() if r["Type"] in MADE}
    for rule in kept.values():
        if rule["Type"] == "AWS::Events::Rule":
            rule["Properties"]["Targets"] = []
    return json.dumps({k: whole[k] for k in ("Parameters", "Conditions")} | {"Resources": kept})


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda words: monkeypatch.setattr("builtins.input", lambda _: words)


def stack() -> dict[str, Any]:
    (found,) = boto3.client("cloudformation").describe_stacks()["Stacks"]
    return dict(found)


def values() -> dict[str, str]:
    return {p["ParameterKey"]: p["ParameterValue"] for p in stack()["Parameters"]}


def test_a_first_deployment_and_a_second(
    account: None,
    packages: dict[str, Path],
    say: Callable[[str], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = packages[STAGE]
    say("no")
    with pytest.raises(Refused, match="Nothing was changed"):
        deploy.deploy(STAGE, BUCKET, [], package)
    assert stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    # On AWS it would become the stack of the next change set; moto makes a second one.
    boto3.client("cloudformation").delete_stack(StackName=f"tenantry-{STAGE}")

    say(STAGE)
    deploy.deploy(STAGE, BUCKET, ["Currency=eur", "MailFrom=a@example.com"], package)
    assert stack()["StackStatus"] == "CREATE_COMPLETE"
    shown = capsys.readouterr().out
    assert "Add      AWS::DynamoDB::Table                 TenantsTable" in shown
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    assert f"tenantry-{STAGE}-tenants" in tables

    changed = Path(shutil.copytree(package, tmp_path / STAGE))
    template = (changed / TEMPLATE).read_text()
    lasting = "MessageRetentionPeriod: 1209600"
    assert template.count(lasting) == 1
    (changed / TEMPLATE).write_text(template.replace(lasting, "MessageRetentionPeriod: 86400"))
    deploy.deploy(STAGE, BUCKET, ["Currency=usd"], changed)
    assert stack()["StackStatus"] == "UPDATE_COMPLETE"
    assert "Modify   AWS::SQS::Queue                      FailuresQueue" in capsys.readouterr().out
    assert (values()["Currency"], values()["MailFrom"]) == ("usd", "a@example.com")


def test_a_stack_that_would_not_fit_is_refused_before_it_is_begun(
    account: None, packages: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new account has ten executions, and wants a hundred left."""
    monkeypatch.setattr(deploy, "free_executions", lambda: 10)
    given = ["OneScheduledRun=yes"]
    with pytest.raises(Refused, match="WebhookConcurrency=0 OneScheduledRun=no"):
        deploy.deploy(STAGE, BUCKET, given, packages[STAGE])
    assert not boto3.client("cloudformation").describe_stacks()["Stacks"]


def test_so_much_is_kept_in_prod(packages: dict[str, Path]) -> None:
    template = read_template(packages["prod"])
    assert reserved(template, []) == 25
    none = chosen(["WebhookConcurrency=0", "OneScheduledRun=no"], set(), {*template["Parameters"]})
    assert reserved(template, none) == 0
    assert reserved(read_template(packages["dev"]), []) == 0


def test_where_nobody_is_asked_nobody_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    assert not confirmed("dev", "Is it so?")
    assert destroy.destroy("dev") == 1


def test_a_deployment_that_fails_says_what_failed(
    account: None,
    packages: dict[str, Path],
    say: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As CloudFormation tells it, the latest first, with the deployment before it."""

    def event(resource: str, status: str, reason: str = "") -> dict[str, Any]:
        said = {"ResourceStatusReason": reason} if reason else {}
        return {"LogicalResourceId": resource, "ResourceStatus": status, **said}

    events = [
        event("tenantry-staging", "UPDATE_ROLLBACK_COMPLETE"),
        event("UsersTable", "UPDATE_FAILED", "Resource update cancelled"),
        event("Domain", "CREATE_FAILED", "The certificate is of another region"),
        event("tenantry-staging", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("LedgerTable", "CREATE_FAILED", "Long ago"),
    ]
    make = boto3.client

    def failing(service: str, *given: Any, **named: Any) -> Any:
        client = make(service, *given, **named)
        if service == "cloudformation":
            waits = client.get_waiter

            def fail(**_: str) -> None:
                raise WaiterError("StackCreateComplete", "it is ROLLBACK_COMPLETE", {})

            client.describe_stack_events = lambda **_: {"StackEvents": events}
            client.get_waiter = lambda kind: (
                waits(kind) if kind.startswith("change") else SimpleNamespace(wait=fail)
            )
        return client

    monkeypatch.setattr(boto3, "client", failing)
    say(STAGE)
    with pytest.raises(Refused) as refused:
        deploy.deploy(STAGE, BUCKET, [], packages[STAGE])
    assert str(refused.value).endswith("Domain: The certificate is of another region")
    assert "Long ago" not in str(refused.value)


def test_what_cannot_be_changed_is_told() -> None:
    """The same once more, say: moto does not see that it is."""
    reason = "The submitted information didn't contain changes."

    def fail(**_: str) -> None:
        raise WaiterError("ChangeSetCreateComplete", "it is FAILED", {})

    client = SimpleNamespace(
        get_waiter=lambda _: SimpleNamespace(wait=fail),
        describe_change_set=lambda **_: {"StatusReason": reason},
    )
    with pytest.raises(Refused, match="didn't contain changes"):
        deploy._wait_for(client, "a change set")
