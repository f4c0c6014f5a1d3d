"""`make replay STAGE=…`: replay failed events and remove them from the failures queue.

SQS can't redrive these messages, because they don't come from another queue. Lambda writes them for
failed asynchronous invocations, and EventBridge for events that it could not deliver. So for each
message, this command invokes the function with the same payload, and deletes the message once the
function succeeds. Every replayed function starts from what is in the tables and writes only the
difference. So a replay can safely be repeated, messages can safely arrive twice, and one invocation
is enough for several messages with the same request.
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

# Slightly longer than a function's timeout. Until this time is over, no other consumer sees the
# messages.
VISIBILITY_SECONDS = 930
# With any wait (long polling), SQS queries all of the queue's servers.
WAIT_SECONDS = 1
# Keys whose values differ between two events of the same schedule.
VARYING_KEYS = frozenset({"id", "time"})

Invoke = Callable[[str, Any], str | None]
"""Takes a function name and an event. Returns None on success, or the error."""


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """A message from the queue. `function` is None if the message format is unknown."""

    receipt: str
    function: str | None
    payload: Any

    @property
    def request_key(self) -> tuple[str | None, str]:
        """A key that is the same for messages with the same request."""
        payload = self.payload
        if isinstance(payload, dict):
            payload = {k: v for k, v in payload.items() if k not in VARYING_KEYS}
        return self.function, json.dumps(payload, sort_keys=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    return replay(parser.parse_args().stage, invoke)


def replay(stage: str, invoke: Invoke) -> int:
    """Replay all messages. Return the number that failed again or are unknown."""
    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"tenantry-{stage}-failures")["QueueUrl"]
    waiting: dict[tuple[str | None, str], list[FailedEvent]] = {}
    for failed in _receive_all(sqs, queue):
        waiting.setdefault(failed.request_key, []).append(failed)
    left = 0
    for (function, _), messages in waiting.items():
        error = _replay_one(stage, function, messages[-1].payload, invoke)
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


def _replay_one(stage: str, function: str | None, payload: Any, invoke: Invoke) -> str | None:
    if function is None:
        return "unknown message format"
    if not function.startswith(f"tenantry-{stage}-"):
        return "the function belongs to another stack"
    return invoke(function, payload)


def invoke(function: str, payload: Any) -> str | None:
    """Invoke a function with the operator's AWS credentials, and wait for the result."""
    config = Config(read_timeout=VISIBILITY_SECONDS, retries={"total_max_attempts": 1})
    try:
        reply = boto3.client("lambda", config=config).invoke(
            FunctionName=function, Payload=json.dumps(payload).encode()
        )
    except Exception as error:  # noqa: BLE001 - continue with the other messages
        return f"{type(error).__name__}: {error}"
    answer = reply["Payload"].read().decode()
    return answer if "FunctionError" in reply else None


def _receive_all(sqs: Any, queue: str) -> Iterator[FailedEvent]:
    while True:
        found = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=VISIBILITY_SECONDS,
            MessageAttributeNames=["All"],
        )
        if not found.get("Messages"):
            return
        yield from map(_parse, found["Messages"])


def _parse(message: dict[str, Any]) -> FailedEvent:
    """Parse a message. Lambda names the function in the body, EventBridge in an attribute."""
    receipt = message["ReceiptHandle"]
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return FailedEvent(receipt, None, None)
    target = message.get("MessageAttributes", {}).get("TARGET_ARN")
    if target is not None:
        return FailedEvent(receipt, _function_name(target["StringValue"]), body)
    match body:
        case {"requestContext": {"functionArn": str(arn)}, "requestPayload": payload}:
            return FailedEvent(receipt, _function_name(arn), payload)
    return FailedEvent(receipt, None, None)


def _function_name(arn: str) -> str | None:
    """Parse arn:aws:lambda:<region>:<account>:function:<name>[:<version>]."""
    parts = arn.split(":")
    return parts[6] if parts[2:3] == ["lambda"] and len(parts) > 6 else None


if __name__ == "__main__":
    sys.exit(main())
