"""Validation of branding documents, called by all code that writes one."""

from collections.abc import Mapping

from chalicelib.domain import branding
from chalicelib.domain.branding import OwnFields
from chalicelib.errors import FieldError, InvalidRequest


def validate_branding(
    document: Mapping[str, object],
    *,
    inherited: Mapping[str, str | None],
    before: Mapping[str, str | None] | None = None,
    within: str = "",
) -> OwnFields:
    """Return the normalized document to store.

    `inherited` holds the values of the fields that the document leaves unset, and `before` the
    effective values before this change. Raises InvalidRequest; error fields are prefixed with
    `within`.
    """
    own, problems = branding.check_document(document)
    if not problems:
        problems = branding.contrast_problems(own, inherited, before or {})
    if problems:
        prefix = f"{within}." if within else ""
        raise InvalidRequest([FieldError(prefix + p.field, p.message) for p in problems])
    return own
