"""Watching the logs of every test for the secrets that were issued in it."""

import logging
from typing import Any

import pytest

from chalicelib.observability import logger
from chalicelib.services.core import hashing as secrets
from chalicelib.services.core.idempotency import IdempotentRequest


class LeakDetector(logging.Handler):
    """Everything logged, as CloudWatch would get it, beside everything that is secret."""

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
    """Note every token, key and link secret that is made, and every password that is set."""
    leaks = LeakDetector()

    def noting(original: Any) -> Any:
        def noted(*arguments: Any) -> str:
            made: str = original(*arguments)
            leaks.secrets.add(made)
            return made

        return noted

    hash_password = secrets.hash_password

    def hashing(password: str) -> str:
        leaks.secrets.add(password)
        return hash_password(password)

    monkeypatch.setattr(secrets, "new_secret", noting(secrets.new_secret))
    monkeypatch.setattr(IdempotentRequest, "secret_for", noting(IdempotentRequest.secret_for))
    monkeypatch.setattr(secrets, "hash_password", hashing)
    return leaks
