"""The commands that deploy and delete stacks."""

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
from infra.deployment.deploy import (
    DeploymentRefused,
    choose_parameters,
    required_concurrency,
    upload,
)
from infra.deployment.package import TEMPLATE, read_template
from tests.deployment.sam import of_type, transform


def test_destroy_refuses_prod(capsys: pytest.CaptureFixture[str]) -> None:
    assert destroy.destroy("prod") == 1
    assert "This command doesn't delete prod" in capsys.readouterr().err


def test_destroy_requires_the_name_of_the_stage(
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
    assert "was deleted" in capsys.readouterr().out


def test_deploying_without_the_secrets_is_refused(aws: None, tmp_path: Path) -> None:
    with pytest.raises(DeploymentRefused, match="/tenantry/staging/stripe-secret-key"):
        deploy.deploy("staging", "bucket", [], tmp_path)


def test_parameters_that_are_not_given_keep_their_values() -> None:
    names = {"Stage", "AlarmEmail", "CustomDomain"}
    assert choose_parameters(["AlarmEmail=a=b@example.com"], names, names) == [
        {"ParameterKey": "AlarmEmail", "ParameterValue": "a=b@example.com"},
        {"ParameterKey": "CustomDomain", "UsePreviousValue": True},
    ]
    with pytest.raises(DeploymentRefused, match="no parameter AlarmMail"):
        choose_parameters(["AlarmMail=x"], set(), names)


def test_the_uploaded_template_refers_to_the_uploaded_archive(
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


# The resource types created in moto. Other types are listed as changes but not created: moto would
# run functions in Docker, and it doesn't read the API's body.
CREATED_BY_MOTO = (
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)
BUCKET = "archives-eu-north-1"
STAGE = "staging"
SAM = "AWS::Serverless-2016-10-31"


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set up a separate region with a bucket and the two secrets.

    moto simulates CloudFormation, but not the SAM transform, which AWS runs when a change set is
    created. The fixture runs it instead.
    """
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    create = CloudFormationBackend.create_change_set

    def create_transformed(self: Any, **named: Any) -> Any:
        template = for_moto(yaml.safe_load(named.pop("template")))
        return create(self, template=template, **named)

    def never_sleep(_seconds: float) -> None:
        raise AssertionError("Waiting is unnecessary: moto completes the operation immediately.")

    monkeypatch.setattr(CloudFormationBackend, "create_change_set", create_transformed)
    monkeypatch.setattr(waiter, "time", SimpleNamespace(sleep=never_sleep))
    monkeypatch.setattr(deploy, "unreserved_concurrency", lambda: 1000)
    s3 = boto3.client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        region = {"LocationConstraint": "eu-north-1"}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
    ssm = boto3.client("ssm")
    for secret in deploy.SECRETS:
        ssm.put_parameter(
            Name=f"/tenantry/{STAGE}/{secret}", Value="x", Type="SecureString", Overwrite=True
        )
    yield
    boto3.client("cloudformation").delete_stack(StackName=f"tenantry-{STAGE}")


def for_moto(uploaded: dict[str, Any]) -> str:
    """Return the transformed template with only the resources that moto creates."""
    assert uploaded["Transform"] == SAM
    transformed = transform(uploaded)
    kept = {n: r for n, r in transformed["Resources"].items() if r["Type"] in CREATED_BY_MOTO}
    for rule in kept.values():
        if rule["Type"] == "AWS::Events::Rule":
            rule["Properties"]["Targets"] = []
    return json.dumps(
        {k: transformed[k] for k in ("Parameters", "Conditions")} | {"Resources": kept}
    )


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("builtins.input", lambda _: text)


def stack() -> dict[str, Any]:
    (only_stack,) = boto3.client("cloudformation").describe_stacks()["Stacks"]
    return dict(only_stack)


def parameter_values() -> dict[str, str]:
    return {p["ParameterKey"]: p["ParameterValue"] for p in stack()["Parameters"]}


def test_a_first_and_a_second_deployment(
    account: None,
    packages: dict[str, Path],
    answer: Callable[[str], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = packages[STAGE]
    answer("no")
    with pytest.raises(DeploymentRefused, match="Nothing was changed"):
        deploy.deploy(STAGE, BUCKET, [], package)
    assert stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    # AWS would reuse this stack for the next change set, but moto creates a second one.
    boto3.client("cloudformation").delete_stack(StackName=f"tenantry-{STAGE}")

    answer(STAGE)
    deploy.deploy(STAGE, BUCKET, ["Currency=eur", "MailFrom=a@example.com"], package)
    assert stack()["StackStatus"] == "CREATE_COMPLETE"
    output = capsys.readouterr().out
    assert "Add      AWS::DynamoDB::Table                 TenantsTable" in output
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    assert f"tenantry-{STAGE}-tenants" in tables

    changed = Path(shutil.copytree(package, tmp_path / STAGE))
    template = (changed / TEMPLATE).read_text()
    retention = "MessageRetentionPeriod: 1209600"
    assert template.count(retention) == 1
    (changed / TEMPLATE).write_text(template.replace(retention, "MessageRetentionPeriod: 86400"))
    deploy.deploy(STAGE, BUCKET, ["Currency=usd"], changed)
    assert stack()["StackStatus"] == "UPDATE_COMPLETE"
    assert "Modify   AWS::SQS::Queue                      FailuresQueue" in capsys.readouterr().out
    assert (parameter_values()["Currency"], parameter_values()["MailFrom"]) == (
        "usd",
        "a@example.com",
    )


def test_deploying_without_enough_concurrency_is_refused(
    account: None, packages: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new account can run only 10 Lambda invocations at once, but 100 must remain unreserved."""
    monkeypatch.setattr(deploy, "unreserved_concurrency", lambda: 10)
    given = ["OneScheduledRun=yes"]
    with pytest.raises(DeploymentRefused, match="WebhookConcurrency=0 OneScheduledRun=no"):
        deploy.deploy(STAGE, BUCKET, given, packages[STAGE])
    assert not boto3.client("cloudformation").describe_stacks()["Stacks"]


def test_only_prod_reserves_concurrency_by_default(packages: dict[str, Path]) -> None:
    template = read_template(packages["prod"])
    assert required_concurrency(template, []) == 25
    none = choose_parameters(
        ["WebhookConcurrency=0", "OneScheduledRun=no"], set(), {*template["Parameters"]}
    )
    assert required_concurrency(template, none) == 0
    assert required_concurrency(read_template(packages["dev"]), []) == 0


def test_destroy_is_not_confirmed_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    assert not confirmed("dev", "Are you sure?")
    assert destroy.destroy("dev") == 1


def test_a_failed_deployment_reports_its_cause(
    account: None,
    packages: dict[str, Path],
    answer: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CloudFormation lists the latest events first and includes events from earlier deployments."""

    def event(resource: str, status: str, reason: str = "") -> dict[str, Any]:
        extra = {"ResourceStatusReason": reason} if reason else {}
        return {"LogicalResourceId": resource, "ResourceStatus": status, **extra}

    events = [
        event("tenantry-staging", "UPDATE_ROLLBACK_COMPLETE"),
        event("UsersTable", "UPDATE_FAILED", "Resource update cancelled"),
        event("Domain", "CREATE_FAILED", "The certificate is of another region"),
        event("tenantry-staging", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("LedgerTable", "CREATE_FAILED", "An earlier failure"),
    ]
    original = boto3.client

    def failing_client(service: str, *given: Any, **named: Any) -> Any:
        client = original(service, *given, **named)
        if service == "cloudformation":
            get_waiter = client.get_waiter

            def fail(**_: str) -> None:
                raise WaiterError("StackCreateComplete", "it is ROLLBACK_COMPLETE", {})

            client.describe_stack_events = lambda **_: {"StackEvents": events}
            client.get_waiter = lambda kind: (
                get_waiter(kind) if kind.startswith("change") else SimpleNamespace(wait=fail)
            )
        return client

    monkeypatch.setattr(boto3, "client", failing_client)
    answer(STAGE)
    with pytest.raises(DeploymentRefused) as refused:
        deploy.deploy(STAGE, BUCKET, [], packages[STAGE])
    assert str(refused.value).endswith("Domain: The certificate is of another region")
    assert "An earlier failure" not in str(refused.value)


def test_a_change_set_without_changes_is_reported() -> None:
    """moto doesn't detect a change set without changes."""
    reason = "The submitted information didn't contain changes."

    def fail(**_: str) -> None:
        raise WaiterError("ChangeSetCreateComplete", "it is FAILED", {})

    client = SimpleNamespace(
        get_waiter=lambda _: SimpleNamespace(wait=fail),
        describe_change_set=lambda **_: {"StatusReason": reason},
    )
    with pytest.raises(DeploymentRefused, match="didn't contain changes"):
        deploy._wait_for(client, "a change set")
