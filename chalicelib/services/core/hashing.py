"""Create, hash, and compare secrets: argon2id for passwords, SHA-256 for random tokens."""

import hashlib
import hmac
import secrets
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TOKEN_BYTES = 32
# OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, two iterations, one lane.
PASSES = 2
MEMORY_KIB = 19 * 1024


def new_secret() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(secret: str) -> str:
    """Hash a random secret. SHA-256 is enough, since 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def digest_matches(secret: str, secret_hash: str) -> bool:
    return hmac.compare_digest(hash_token(secret), secret_hash)


@cache
def _hasher() -> "PasswordHasher":
    # Imported on first use, since most requests do not verify a password.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher().hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Return whether the password matches. Without a hash, return False after the same work."""
    from argon2.exceptions import InvalidHashError, VerificationError

    # Created even if not needed; otherwise, the first sign-in with an unknown email would take
    # twice as long.
    dummy_hash = _dummy_hash()
    try:
        _hasher().verify(password_hash or dummy_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _dummy_hash() -> str:
    """Return a hash that matches no password, used if the user doesn't exist or has no password."""
    return hash_password(new_secret())


def derive_seed(secret: bytes, salt: str) -> bytes:
    """Derive 32 bytes from `secret` with argon2id, so it is as slow to guess as a password."""
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
