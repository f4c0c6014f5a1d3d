"""`make replay STAGE=…`: invoke again what failed for good, and take it out of the queue.

The queue has no source that SQS could move its messages back to: they are records that Lambda
writes of an asynchronous invocation that failed, and events that EventBridge could not deliver.
So each is read, its function invoked with the same payload, and deleted when that succeeded.

Everything that is replayed starts from what is in the tables and writes only what differs. So
it may be repeated, a message may come twice, and one invocation stands for all messages that
asked for the same.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from infra.deployment.inventory import STAGES

# A function's longest, and a little: meanwhile nobody else sees the messages.
SECONDS = 930
# Waiting at all makes SQS ask every one of the queue's servers.
WAIT_SECONDS = 1
# What differs between two events of one schedule.
MOMENTARY = frozenset({"id", "time"})

Invoke = Callable[[str, Any], str | None]
"""Given a function's name and an event: None when it succeeded, else what it failed with."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A message of the queue. function: its name; None where the message is of no kind known."""

    receipt: str
    function: str | None
    payload: Any

    @property
    def work(self) -> tuple[str | None, str]:
        """The same for messages that ask for the same."""
        payload = self.payload
        if isinstance(payload, dict):
            payload = {k: v for k, v in payload.items() if k not in MOMENTARY}
        return self.function, json.dumps(payload, sort_keys=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    return replay(parser.parse_args().stage, invoke)


def replay(stage: str, invoke: Invoke) -> int:
    """How many messages are left: what failed again, and what is not understood."""
    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"tenantry-{stage}-failures")["QueueUrl"]
    waiting: dict[tuple[str | None, str], list[Failed]] = {}
    for failed in _received(sqs, queue):
        waiting.setdefault(failed.work, []).append(failed)
    left = 0
    for (function, _), messages in waiting.items():
        error = _again(stage, function, messages[-1].payload, invoke)
        print(f"{function or 'unknown'} ({len(messages)}): {error or 'done'}")
        for message in messages:
            if error is None:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message.receipt)
            else:
                left += 1
                sqs.change_message_visibility(
                    QueueUrl=queue, ReceiptHandle=message.receipt, VisibilityTimeout=0
                )
    return left


def _again(stage: str, function: str | None, payload: Any, invoke: Invoke) -> str | None:
    if function is None:
        return "not a message that this knows how to replay"
    if not function.startswith(f"tenantry-{stage}-"):
        return "a function of another stack"
    return invoke(function, payload)


def invoke(function: str, payload: Any) -> str | None:
    """With the operator's own AWS credentials, and waited for."""
    config = Config(read_timeout=SECONDS, retries={"total_max_attempts": 1})
    try:
        reply = boto3.client("lambda", config=config).invoke(
            FunctionName=function, Payload=json.dumps(payload).encode()
        )
    except Exception as error:  # noqa: BLE001 - one that cannot be invoked stops no other
        return f"{type(error).__name__}: {error}"
    answer = reply["Payload"].read().decode()
    return answer if "FunctionError" in reply else None


def _received(sqs: Any, queue: str) -> Iterator[Failed]:
    while True:
        found = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=SECONDS,
            MessageAttributeNames=["All"],
        )
        if not found.get("Messages"):
            return
        yield from map(_read, found["Messages"])


def _read(message: dict[str, Any]) -> Failed:
    """Lambda's record names its function in the body, EventBridge in an attribute."""
    receipt = message["ReceiptHandle"]
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return Failed(receipt, None, None)
    target = message.get("MessageAttributes", {}).get("TARGET_ARN")
    if target is not None:
        return Failed(receipt, _name(target["StringValue"]), body)
    match body:
        case {"requestContext": {"functionArn": str(arn)}, "requestPayload": payload}:
            return Failed(receipt, _name(arn), payload)
    return Failed(receipt, None, None)


def _name(arn: str) -> str | None:
    """arn:aws:lambda:<region>:<account>:function:<name>, and perhaps :<version>."""
    parts = arn.split(":")
    return parts[6] if parts[2:3] == ["lambda"] and len(parts) > 6 else None


if __name__ == "__main__":
    sys.exit(main())
