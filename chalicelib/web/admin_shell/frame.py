"""Code shared by the admin pages: their layout, names of resellers, and versions of edit forms."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from chalice.app import Response

from chalicelib import clock
from chalicelib.services.core import batch_reads
from chalicelib.services.reconciliation.open_findings import count_open_findings
from chalicelib.storage.rows import Row
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.page_context import PageContext

OFFERED_MONTHS = 24


def render(
    page: PageContext,
    template: str,
    *,
    title: str,
    nav: MenuEntry,
    **context: Any,  # Any: values for the template
) -> Response:
    """Render a template of the admin pages. `nav` is the menu entry to highlight."""
    return page.render(
        template,
        title=title,
        nav_current=nav,
        findings_waiting=count_open_findings(),
        **context,
    )


def offered_months() -> dict[str, str]:
    """Return the months a list can be filtered by, newest first: `2026-11` → `November 2026`."""
    months = clock.recent_months(OFFERED_MONTHS)
    return {month: f"{date.fromisoformat(f'{month}-01'):%B %Y}" for month in months}


def company_names(reseller_ids: Iterable[str | None]) -> dict[str, str]:
    """Return each reseller's company name by ID, or the ID itself if the row no longer exists."""
    ids = [id for id in reseller_ids if id]
    found = batch_reads.resellers_by_id(ids)
    return {id: found[id].company_name if id in found else id for id in ids}


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
