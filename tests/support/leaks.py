"""Check every test's logs for the secrets issued in it."""

import logging
from typing import Any

import pytest

from chalicelib.observability import logger
from chalicelib.services.core import hashing
from chalicelib.services.core.idempotency import IdempotentRequest


class LeakDetector(logging.Handler):
    """Collects the log lines, formatted the way they are for CloudWatch, and the secrets."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.secrets: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logger.registered_formatter.format(record))

    def found(self) -> set[str]:
        text = "\n".join(self.lines)
        return {secret for secret in self.secrets if secret in text}


def detect_leaks(monkeypatch: pytest.MonkeyPatch) -> LeakDetector:
    """Record every new token, key, and link secret, and every password that is set."""
    leaks = LeakDetector()

    def recording(original: Any) -> Any:
        def record(*arguments: Any) -> str:
            secret: str = original(*arguments)
            leaks.secrets.add(secret)
            return secret

        return record

    hash_password = hashing.hash_password

    def record_password(password: str) -> str:
        leaks.secrets.add(password)
        return hash_password(password)

    monkeypatch.setattr(hashing, "new_secret", recording(hashing.new_secret))
    monkeypatch.setattr(IdempotentRequest, "secret_for", recording(IdempotentRequest.secret_for))
    monkeypatch.setattr(hashing, "hash_password", record_password)
    return leaks
