"""The commands that change an account: what they refuse, and what they send."""

from pathlib import Path

import boto3
import pytest
import yaml

from infra.deployment import deploy, destroy
from infra.deployment.deploy import Refused, chosen, upload
from infra.deployment.package import read_template
from tests.deployment.sam import of_type


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
