"""Secrets: made, hashed and compared. Passwords get argon2id, random tokens SHA-256."""

import hashlib
import hmac
import secrets
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TOKEN_BYTES = 32
# OWASP's password storage cheat sheet: argon2id, 19 MiB, two passes, one lane.
PASSES = 2
MEMORY_KIB = 19 * 1024


def new_secret() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(secret: str) -> str:
    """For random secrets of 256 bits only: nothing to guess, so nothing to slow down."""
    return hashlib.sha256(secret.encode()).hexdigest()


def digest_matches(secret: str, secret_hash: str) -> bool:
    return hmac.compare_digest(hash_token(secret), secret_hash)


@cache
def _hasher() -> "PasswordHasher":
    # Imported on first use: most requests check no password.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher().hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """False for a user without a password too, after the same work."""
    from argon2.exceptions import InvalidHashError, VerificationError

    unknown = _unknown()  # made in any case, or the first unknown user would cost twice
    try:
        _hasher().verify(password_hash or unknown, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _unknown() -> str:
    """A hash that no password has, for equal work when there is no user."""
    return hash_password(new_secret())


def derive_seed(secret: bytes, salt: str) -> bytes:
    """32 bytes that only who knows `secret` can make again, at a password hash's price."""
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        secret,
        hashlib.sha256(salt.encode()).digest(),
        time_cost=PASSES,
        memory_cost=MEMORY_KIB,
        parallelism=1,
        hash_len=32,
        type=Type.ID,
    )
