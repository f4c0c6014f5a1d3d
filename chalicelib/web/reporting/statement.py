"""A statement as a page to print and as a CSV file, for a reseller and for an admin."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from chalice.app import Response

from chalicelib import clock
from chalicelib.api.csv import MEDIA_TYPE, Csv
from chalicelib.domain.ledger import Kind
from chalicelib.domain.statements import Money, Period
from chalicelib.errors import InvalidRequest
from chalicelib.services.reporting import statements
from chalicelib.settings import settings
from chalicelib.storage.resellers import Reseller
from chalicelib.web.shell.page_context import PageContext

EARLIEST = date(1970, 1, 1)
LATEST = date(9000, 1, 1)
DAY = timedelta(days=1)


def show_statement(
    page: PageContext, reseller: Reseller, *, path: str, back: str, nav: str
) -> Response:
    """?from=&to=: days in UTC, both part of the period; this month without them.
    ?format=csv: the file. Raises InvalidRequest."""
    first, last = _days(page)
    period = Period(_midnight(first), _midnight(last + DAY))
    if page.query("format") == "csv":
        return _file(reseller, period, f"statement-{reseller.slug}-{first}-to-{last}.csv")
    return page.render(
        "reseller/statement.html",
        title="Statement",
        nav_current=nav,
        reseller=reseller,
        statement=_shown(reseller, period, first, last),
        back=back,
        csv_path=path,
    )


def _days(page: PageContext) -> tuple[date, date]:
    today = clock.now().date()
    first = _day(page, "from") or today.replace(day=1)
    last = _day(page, "to") or max(today, first)
    if first > last:
        raise InvalidRequest.of("from", "The first day must not be after the last.")
    return first, last


def _day(page: PageContext, name: str) -> date | None:
    asked = page.query(name)
    if not asked:
        return None
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        raise InvalidRequest.of(name, f"“{asked}” is not a date such as 2026-11-30.") from None
    if not EARLIEST <= day <= LATEST:
        raise InvalidRequest.of(name, "This date is out of range.")
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _file(reseller: Reseller, period: Period, name: str) -> Response:
    lines = statements.statement_lines(reseller, period)
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(Csv(name, statements.COLUMNS, lines).text(), headers)


def _shown(reseller: Reseller, period: Period, first: date, last: date) -> dict[str, Any]:
    made = statements.build_statement(reseller, period)
    found = (
        dict(zip(statements.COLUMNS, cells, strict=True))
        for cells in statements.statement_lines(reseller, period)
    )
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "opening": made.licenses.opening,
        "closing": made.licenses.closing,
        "money": made.money or {settings().currency: Money()},
        "lines": [_line(cells) for cells in found if cells["line"] not in ("opening", "closing")],
    }


def _line(cells: dict[str, Any]) -> dict[str, Any]:
    """amount: what the line brought in, in cents; negative for what went back or is held."""
    has_money = cells["paid"] is not None
    return {
        "at": cells["at"],
        "text": _words(Kind(cells["line"]), cells["reason"]),
        "ref": cells["reference"],
        "count_change": cells["licenses"],
        "amount": cells["paid"] - cells["refunded"] - cells["disputed"] if has_money else None,
        "currency": cells["currency"],
        "balance": cells["balance"],
    }


def _words(kind: Kind, reason: str | None) -> str:
    words = kind.replace("_", " ").capitalize()
    return f"{words}: {reason}" if reason else words
