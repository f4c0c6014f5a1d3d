"""Code shared by the admin pages: their layout, and rows combined with related values."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from chalice.app import Response

from chalicelib import clock
from chalicelib.services.reconciliation.open_findings import count_open_findings
from chalicelib.storage.rows import Row
from chalicelib.web.shell.page_context import PageContext

OFFERED_MONTHS = 24


def render(page: PageContext, template: str, *, title: str, nav: str, **context: Any) -> Response:
    """Render a template from templates/admin. `nav` is the menu entry to highlight."""
    return page.render(
        f"admin/{template}.html",
        title=title,
        nav_current=f"admin/{nav}",
        findings_waiting=count_open_findings(),
        **context,
    )


def offered_months() -> dict[str, str]:
    """Return the months a list can be filtered by, newest first: `2026-11` → `November 2026`."""
    months = clock.recent_months(OFFERED_MONTHS)
    return {month: f"{date.fromisoformat(f'{month}-01'):%B %Y}" for month in months}


class RowView:
    """A row with extra attributes for a template, such as the reseller of a purchase."""

    def __init__(self, row: Row, **extra: Any) -> None:
        self._row = row
        self.__dict__.update(extra)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def reseller_or_id(found: Any, reseller_id: str) -> Any:
    """Return the reseller's row, or a placeholder with its ID if the row no longer exists."""
    return found or {"id": reseller_id, "company_name": reseller_id}


def columns_fingerprint(row: Row, columns: Sequence[str]) -> str:
    """Return a hash of the given columns, which serves as the version of an edit form.

    A reseller row's own version also changes when a tenant is created, which must not invalidate an
    open edit form.
    """
    content = repr([getattr(row, name) for name in columns])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def format_licenses(number: int) -> str:
    """Format a number of licenses, ignoring its sign: `12 licenses`."""
    return "1 license" if abs(number) == 1 else f"{abs(number):,} licenses"
