"""Hashing of passwords and tokens, including malformed stored hashes."""

import pytest

from chalicelib.domain.passwords import check_password
from chalicelib.services.core import hashing


def test_passwords_are_hashed_with_argon2id_and_owasp_parameters() -> None:
    hashed = hashing.hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashed != hashing.hash_password("correct horse battery"), "hashes are salted"
    assert hashing.password_matches("correct horse battery", hashed)
    assert not hashing.password_matches("correct horse batterie", hashed)


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=19456"])
def test_no_password_matches_a_missing_or_malformed_hash(stored: str | None) -> None:
    assert not hashing.password_matches("", stored)
    assert not hashing.password_matches("anything", stored)


def test_tokens_are_random_and_compared_by_hash() -> None:
    secret = hashing.new_secret()
    assert len(secret) == 43, "256 bits in base64"
    assert secret != hashing.new_secret()
    hashed = hashing.hash_token(secret)
    assert len(hashed) == 64
    assert secret not in hashed
    assert hashing.digest_matches(secret, hashed)
    assert not hashing.digest_matches(secret[:-1], hashed)
    assert not hashing.digest_matches("", hashed)


def test_derived_seeds_are_deterministic_and_salted() -> None:
    seed = hashing.derive_seed(b"a request", "one key")
    assert len(seed) == 32
    assert seed == hashing.derive_seed(b"a request", "one key")
    assert seed != hashing.derive_seed(b"a request", "another key")
    assert seed != hashing.derive_seed(b"another request", "one key")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129])
def test_passwords_that_are_too_short_or_too_long_are_refused(password: str) -> None:
    with pytest.raises(ValueError, match="8 to 128"):
        check_password(password, email="a@example.com")


def test_a_password_must_not_contain_the_email_address() -> None:
    with pytest.raises(ValueError, match="email"):
        check_password("my A@Example.com!", email="a@example.com")
    assert check_password("x" * 128, email="a@example.com") == "x" * 128
