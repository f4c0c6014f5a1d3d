"""Ids that look like Stripe's and come out the same in every run with the same seed."""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made = 0

    def __call__(self, prefix: str, length: int = 24) -> str:
        self._made += 1
        digest = hashlib.sha512(f"{self._seed}/{self._made}".encode()).digest()
        return prefix + "".join(_ALPHABET[byte % 62] for byte in digest[:length])
