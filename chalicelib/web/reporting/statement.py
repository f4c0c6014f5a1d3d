"""Statements as a printable page and a CSV file, for resellers and admins."""

from datetime import UTC, date, datetime, time, timedelta

from chalice.app import Response

from chalicelib import clock
from chalicelib.domain.statements import FIRST_DAY, LAST_DAY, Money, Period
from chalicelib.errors import InvalidRequest
from chalicelib.http.csv import MEDIA_TYPE, Csv
from chalicelib.services.reporting import statements
from chalicelib.settings import settings
from chalicelib.storage.resellers import Reseller
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.page_context import PageContext
from chalicelib.web.shell.rendering import View

DAY = timedelta(days=1)
BALANCE_LINES = ("opening", "closing")


def show_statement(
    page: PageContext, reseller: Reseller, *, path: str, back: str, nav: MenuEntry
) -> Response:
    """Show the statement, or return it as a file if ?format=csv is given. Raises InvalidRequest.

    ?from= and ?to= are UTC dates, both inclusive. The default is the current month.
    """
    first, last = _days(page)
    period = Period(_midnight(first), _midnight(last + DAY))
    if page.query("format") == "csv":
        return _csv_file(reseller, period, f"statement-{reseller.slug}-{first}-to-{last}.csv")
    return page.render(
        "reseller/statement.html",
        title="Statement",
        nav_current=nav,
        reseller=reseller,
        statement=_statement_view(reseller, period, first, last),
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
    text = page.query(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest.of(name, f"“{text}” is not a date such as 2026-11-30.") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidRequest.of(name, "This date is out of range.")
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _csv_file(reseller: Reseller, period: Period, name: str) -> Response:
    lines = statements.statement_lines(reseller, period)
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(Csv(name, statements.COLUMNS, lines).text(), headers)


def _statement_view(reseller: Reseller, period: Period, first: date, last: date) -> View:
    statement = statements.build_statement(reseller, period)
    lines = (
        dict(zip(statements.COLUMNS, cells, strict=True))
        for cells in statements.statement_lines(reseller, period)
    )
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "opening": statement.licenses.opening,
        "closing": statement.licenses.closing,
        "money": statement.money or {settings().currency: Money()},
        "lines": [_line_view(cells) for cells in lines if cells["line"] not in BALANCE_LINES],
    }


def _line_view(cells: View) -> View:
    """Return a line for the template. `amount` is in cents; negative for refunds and disputes."""
    has_money = cells["paid"] is not None
    return {
        "at": cells["at"],
        "text": _describe(cells["line"], cells["reason"]),
        "ref": cells["reference"],
        "count_change": cells["licenses"],
        "amount": cells["paid"] - cells["refunded"] - cells["disputed"] if has_money else None,
        "currency": cells["currency"],
        "balance": cells["balance"],
    }


def _describe(kind: str, reason: str | None) -> str:
    description = kind.replace("_", " ").capitalize()
    return f"{description}: {reason}" if reason else description
