"""What the admin's pages share: their frame, and rows with what is shown beside them."""

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


def render(page: PageContext, template: str, *, title: str, place: str, **context: Any) -> Response:
    """A page of the admin. template: below templates/admin. place: its entry in the menu."""
    return page.render(
        f"admin/{template}.html",
        title=title,
        nav_current=f"admin/{place}",
        findings_waiting=count_open_findings(),
        **context,
    )


def offered_months() -> dict[str, str]:
    """The months that a list can be narrowed to, newest first: `2026-11` → `November 2026`."""
    months = clock.recent_months(OFFERED_MONTHS)
    return {month: f"{date.fromisoformat(f'{month}-01'):%B %Y}" for month in months}


class RowView:
    """A row, and what the page shows beside its columns."""

    def __init__(self, row: Row, **beside: Any) -> None:
        self._row = row
        self.__dict__.update(beside)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def reseller_or_id(found: Any, reseller_id: str) -> Any:
    """What stands where a reseller is named: its row, or its id where the row is gone."""
    return found or {"id": reseller_id, "company_name": reseller_id}


def columns_fingerprint(row: Row, columns: Sequence[str]) -> str:
    """Tells whether these columns are still those that a form shows. For rows whose version
    moves with the traffic: a tenant created meanwhile is no reason to refuse an edit."""
    content = repr([getattr(row, name) for name in columns])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def format_licenses(number: int) -> str:
    """How many, in words; the sign is the sentence's."""
    return "1 license" if abs(number) == 1 else f"{abs(number):,} licenses"
