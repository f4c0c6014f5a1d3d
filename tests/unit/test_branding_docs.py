"""docs/branding.md covers every branding field, domain status, and lookup result."""

import re
from pathlib import Path

import pytest

from chalicelib.api.branding import MAX_AGE
from chalicelib.api.branding_config import Brand, BrandingConfig
from chalicelib.domain import custom_domains
from chalicelib.domain.branding import DEFAULT_BRANDING, FIELDS, MAX_PRODUCT_NAME
from chalicelib.services.domains import recheck, verification

DOCS = (Path(__file__).parents[2] / "docs" / "branding.md").read_text()


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_documented(field: str) -> None:
    assert re.search(rf"^\| `{field}` \| .+ \| .+ \|$", DOCS, re.MULTILINE)


def test_request_and_response_have_the_same_fields() -> None:
    assert list(BrandingConfig.model_fields) == list(Brand.model_fields) == list(FIELDS)
    assert all(field.description for field in BrandingConfig.model_fields.values())


@pytest.mark.parametrize("word", [*custom_domains.Status, *custom_domains.LookupResult])
def test_every_status_and_lookup_result_is_documented(word: str) -> None:
    assert f"`{word}`" in DOCS


def test_documented_numbers_match_the_code() -> None:
    assert f"1 to {MAX_PRODUCT_NAME} characters" in DOCS
    assert DEFAULT_BRANDING["primary_color"] in DOCS
    assert MAX_AGE == 5 * 60
    assert "five minutes" in DOCS
    assert custom_domains.PENDING_LIFETIME.days == custom_domains.GRACE_PERIOD.days == 7
    assert (verification.ATTEMPTS_ALLOWED, verification.ATTEMPTS_WINDOW.seconds) == (10, 600)
    assert "Ten lookups in ten minutes" in DOCS
    assert recheck.MIN_OUTAGE_LOOKUPS == 5
