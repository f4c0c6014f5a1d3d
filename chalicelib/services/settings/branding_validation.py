"""Branding documents as they are kept: what each writer of one calls first."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain import branding
from chalicelib.domain.branding import Own
from chalicelib.errors import FieldError, InvalidRequest


def validate_branding(
    document: Mapping[str, Any],
    *,
    inherited: Mapping[str, str | None],
    before: Mapping[str, str | None] | None = None,
    within: str = "",
) -> Own:
    """The document as it is kept. Raises InvalidRequest, naming each field below `within`.

    inherited: what the fields show that it leaves out. before: the effective values until now.
    """
    own, problems = branding.check(document)
    if not problems:
        problems = branding.unreadable(own, inherited, before or {})
    if problems:
        prefix = f"{within}." if within else ""
        raise InvalidRequest([FieldError(prefix + p.field, p.message) for p in problems])
    return own
