"""Secrets: how passwords and tokens are hashed, and that nothing odd breaks the check."""

import pytest

from chalicelib.domain.passwords import check_password
from chalicelib.services.core import hashing


def test_passwords_are_argon2id_with_owasps_parameters() -> None:
    hashed = hashing.hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashed != hashing.hash_password("correct horse battery"), "salted"
    assert hashing.password_matches("correct horse battery", hashed)
    assert not hashing.password_matches("correct horse batterie", hashed)


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=19456"])
def test_a_user_without_a_usable_hash_has_no_password(stored: str | None) -> None:
    assert not hashing.password_matches("", stored)
    assert not hashing.password_matches("anything", stored)


def test_tokens_are_long_random_and_kept_as_a_hash() -> None:
    secret = hashing.new_secret()
    assert len(secret) == 43, "256 bits in base64"
    assert secret != hashing.new_secret()
    hashed = hashing.hash_token(secret)
    assert len(hashed) == 64
    assert secret not in hashed
    assert hashing.digest_matches(secret, hashed)
    assert not hashing.digest_matches(secret[:-1], hashed)
    assert not hashing.digest_matches("", hashed)


def test_stretching_is_deterministic_and_salted() -> None:
    once = hashing.derive_seed(b"a request", "one key")
    assert len(once) == 32
    assert once == hashing.derive_seed(b"a request", "one key")
    assert once != hashing.derive_seed(b"a request", "another key")
    assert once != hashing.derive_seed(b"another request", "one key")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129])
def test_passwords_of_the_wrong_length(password: str) -> None:
    with pytest.raises(ValueError, match="8 to 128"):
        check_password(password, email="a@example.com")


def test_a_password_may_not_hold_the_email_address() -> None:
    with pytest.raises(ValueError, match="email"):
        check_password("my A@Example.com!", email="a@example.com")
    assert check_password("x" * 128, email="a@example.com") == "x" * 128
