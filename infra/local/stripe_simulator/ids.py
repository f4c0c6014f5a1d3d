"""IDs that look like Stripe's. The same seed produces the same IDs in every run."""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class IdGenerator:
    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, prefix: str, length: int = 24) -> str:
        self._count += 1
        digest = hashlib.sha512(f"{self._seed}/{self._count}".encode()).digest()
        return prefix + "".join(_ALPHABET[byte % 62] for byte in digest[:length])
