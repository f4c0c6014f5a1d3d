"""`make replay`: what failed for good is done after all, once, and nothing is lost on the way."""

import json
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from infra import replay
from infra.local import table_edits
from infra.local.schedule import run_now
from tests.support import purchase_fixtures

STAGE = "dev"
NIGHTLY = {"scope": "whole", "apply": True, "by": "schedule"}
PREFIX = "arn:aws:lambda:us-east-1:123456789012:function:"


class Queue:
    """The failures queue, filled as AWS fills it."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName=f"tenantry-{STAGE}-failures")["QueueUrl"]

    def failed(self, function: str, payload: Any) -> None:
        """The record that Lambda writes of an asynchronous invocation."""
        context = {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": f"{PREFIX}tenantry-{STAGE}-{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        }
        self.put(
            {
                "version": "1.0",
                "timestamp": "2026-11-23T03:20:00.000Z",
                "requestContext": context,
                "requestPayload": payload,
                "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                "responsePayload": {"errorMessage": "Busy"},
            }
        )

    def undelivered(self, function: str, payload: Any) -> None:
        """The event that EventBridge could not bring."""
        rule = f"arn:aws:events:us-east-1:123456789012:rule/tenantry-{STAGE}-Rule"
        attributes = {
            "RULE_ARN": rule,
            "TARGET_ARN": f"{PREFIX}tenantry-{STAGE}-{function}",
            "ERROR_CODE": "NO_PERMISSIONS",
        }
        self.put(payload, **attributes)

    def put(self, body: Any, **attributes: str) -> None:
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    def __len__(self) -> int:
        return self.count("ApproximateNumberOfMessages")

    def count(self, name: Any) -> int:
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(found["Attributes"][name])


@pytest.fixture
def queue(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setattr(replay, "WAIT_SECONDS", 0)
    queue = Queue()
    yield queue
    queue.sqs.delete_queue(QueueUrl=queue.url)


class Functions:
    """The real handlers, invoked here; and how often."""

    def __init__(self, *broken: str) -> None:
        self.broken = set(broken)
        self.invoked: list[tuple[str, Any]] = []

    def __call__(self, function: str, payload: Any) -> str | None:
        name = function.removeprefix(f"tenantry-{STAGE}-")
        self.invoked.append((name, payload))
        if name in self.broken:
            return '{"errorType": "Busy"}'
        run_now("reconcile-whole" if payload == NIGHTLY else name)
        return None


def scheduled(moment: str) -> dict[str, Any]:
    return {"source": "aws.events", "id": moment, "time": moment, "detail": {}}


def test_what_failed_is_done_and_gone(queue: Queue) -> None:
    account = purchase_fixtures.create_reseller()
    table_edits.edit(account, license_used=3)
    queue.failed("reconcile", NIGHTLY)
    functions = Functions()
    assert replay.replay(STAGE, functions) == 0
    assert functions.invoked == [("reconcile", NIGHTLY)]
    assert purchase_fixtures.read_reseller().license_used == 0
    assert len(queue) == 0
    assert replay.replay(STAGE, functions) == 0
    assert len(functions.invoked) == 1


def test_one_invocation_stands_for_all_that_asked_the_same(queue: Queue) -> None:
    for minute in range(12):
        queue.failed("take-figures", scheduled(f"03:{minute:02}"))
    queue.undelivered("take-figures", scheduled("04:00"))
    queue.failed("reconcile", {**NIGHTLY, "scope": "partial"})
    functions = Functions()
    assert replay.replay(STAGE, functions) == 0
    assert sorted(name for name, _ in functions.invoked) == ["reconcile", "take-figures"]
    assert len(queue) == 0


def test_what_fails_again_stays(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.failed("reconcile", NIGHTLY)
    queue.failed("take-figures", scheduled("03:00"))
    assert replay.replay(STAGE, Functions("reconcile")) == 1
    assert 'tenantry-dev-reconcile (1): {"errorType": "Busy"}' in capsys.readouterr().out
    assert len(queue) == 1
    assert replay.replay(STAGE, Functions()) == 0
    assert len(queue) == 0


def test_a_crash_between_doing_and_deleting_costs_one_more_look(queue: Queue) -> None:
    """The message stays, for whoever looks when SQS shows it again."""
    queue.failed("take-figures", scheduled("03:00"))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay.replay(STAGE, crash)
    assert queue.count("ApproximateNumberOfMessagesNotVisible") == 1


@pytest.mark.parametrize(
    "body",
    [
        "not JSON",
        {"something": "else"},
        {
            "requestContext": {"functionArn": f"{PREFIX}tenantry-prod-reconcile:$LATEST"},
            "requestPayload": NIGHTLY,
        },
        {"requestContext": {"functionArn": "arn:aws:sns:x:y:z"}, "requestPayload": {}},
    ],
    ids=["text", "something else", "another stage's", "no function's"],
)
def test_what_is_not_ours_is_left_alone(queue: Queue, body: Any) -> None:
    queue.put(body)
    functions = Functions()
    assert replay.replay(STAGE, functions) == 1
    assert functions.invoked == []
    assert len(queue) == 1


@pytest.mark.parametrize("outcome", ["succeeds", "fails", "cannot be invoked"])
def test_what_lambda_answers(monkeypatch: pytest.MonkeyPatch, outcome: str) -> None:
    """An answer of 200 may be an error of the function's own."""

    def answer(**given: Any) -> dict[str, Any]:
        assert json.loads(given["Payload"]) == NIGHTLY
        if outcome == "cannot be invoked":
            raise ConnectionError("out of reach")
        error = {"FunctionError": "Unhandled"} if outcome == "fails" else {}
        return {"StatusCode": 200, "Payload": BytesIO(b'{"errorMessage": "Busy"}'), **error}

    client = SimpleNamespace(invoke=answer)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    assert (
        replay.invoke("tenantry-dev-reconcile", NIGHTLY)
        == {
            "succeeds": None,
            "fails": '{"errorMessage": "Busy"}',
            "cannot be invoked": "ConnectionError: out of reach",
        }[outcome]
    )
