"""`make replay`: failed events are replayed once, and no event is lost."""

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
    """The failures queue with messages in AWS's formats."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName=f"tenantry-{STAGE}-failures")["QueueUrl"]

    def add_failed(self, function: str, payload: Any) -> None:
        """Add the record that Lambda writes for a failed asynchronous invocation."""
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

    def add_undelivered(self, function: str, payload: Any) -> None:
        """Add an event that EventBridge could not deliver."""
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
    """Invokes the real handlers in this process and records the calls."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.invoked: list[tuple[str, Any]] = []

    def __call__(self, function: str, payload: Any) -> str | None:
        name = function.removeprefix(f"tenantry-{STAGE}-")
        self.invoked.append((name, payload))
        if name in self.failing:
            return '{"errorType": "Busy"}'
        run_now("reconcile-whole" if payload == NIGHTLY else name)
        return None


def scheduled_event(time: str) -> dict[str, Any]:
    return {"source": "aws.events", "id": time, "time": time, "detail": {}}


def test_a_failed_event_is_replayed_and_deleted(queue: Queue) -> None:
    reseller = purchase_fixtures.create_reseller()
    table_edits.edit(reseller, license_used=3)
    queue.add_failed("reconcile", NIGHTLY)
    functions = Functions()
    assert replay.replay(STAGE, functions) == 0
    assert functions.invoked == [("reconcile", NIGHTLY)]
    assert purchase_fixtures.read_reseller().license_used == 0
    assert len(queue) == 0
    assert replay.replay(STAGE, functions) == 0
    assert len(functions.invoked) == 1


def test_equal_events_are_replayed_with_one_invocation(queue: Queue) -> None:
    for minute in range(12):
        queue.add_failed("take-figures", scheduled_event(f"03:{minute:02}"))
    queue.add_undelivered("take-figures", scheduled_event("04:00"))
    queue.add_failed("reconcile", {**NIGHTLY, "scope": "partial"})
    functions = Functions()
    assert replay.replay(STAGE, functions) == 0
    assert sorted(name for name, _ in functions.invoked) == ["reconcile", "take-figures"]
    assert len(queue) == 0


def test_an_event_that_fails_again_stays_in_the_queue(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.add_failed("reconcile", NIGHTLY)
    queue.add_failed("take-figures", scheduled_event("03:00"))
    assert replay.replay(STAGE, Functions("reconcile")) == 1
    assert 'tenantry-dev-reconcile (1): {"errorType": "Busy"}' in capsys.readouterr().out
    assert len(queue) == 1
    assert replay.replay(STAGE, Functions()) == 0
    assert len(queue) == 0


def test_a_crash_before_deleting_keeps_the_message(queue: Queue) -> None:
    """The message becomes visible again after the queue's visibility timeout."""
    queue.add_failed("take-figures", scheduled_event("03:00"))

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
    ids=["text", "unknown format", "another stage", "not a function"],
)
def test_unknown_messages_stay_in_the_queue(queue: Queue, body: Any) -> None:
    queue.put(body)
    functions = Functions()
    assert replay.replay(STAGE, functions) == 1
    assert functions.invoked == []
    assert len(queue) == 1


@pytest.mark.parametrize("outcome", ["succeeds", "fails", "cannot be invoked"])
def test_the_outcomes_of_an_invocation(monkeypatch: pytest.MonkeyPatch, outcome: str) -> None:
    """Lambda returns status 200 even if the function raised an error."""

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
