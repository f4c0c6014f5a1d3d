"""Templates into HTML: Jinja2 with autoescape, loaded on the first page, not before."""

import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.domain import passwords
from chalicelib.domain.money import money
from chalicelib.storage.rows import iso
from chalicelib.web.shell.urls import url

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

WEB = Path(__file__).parents[1]
MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
INDENTATION = re.compile(r"^ +", re.MULTILINE)
CENTS = re.compile(r"\b(\d+) cents\b")
IN_UTC = "{0.day} {0:%b %Y, %H:%M} UTC"


def render(template: str, context: dict[str, Any]) -> str:
    return environment().get_template(template).render(context)


@cache
def environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader

    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(
        url=url,
        static=static,
        password_length=passwords.LENGTH,
        better_password_length=passwords.BETTER_LENGTH,
    )
    made.filters.update(money=money, day=_day, date=_date, datetime=_datetime, plural=plural)
    made.filters.update(moments=times_in_text, utc=times_as_utc, cents=amounts_in_text)
    return made


def _source(template: str) -> str:
    """Without its indentation: that is for who reads the template, not for every browser."""
    return INDENTATION.sub("", (WEB / "templates" / template).read_text("utf-8"))


def static(name: str) -> str:
    """A static file's address; it changes with the content, so that it can be kept for ever."""
    return url(f"/static/{name}", v=_content_hash(name))


@cache
def _content_hash(name: str) -> str:
    return hashlib.sha256((WEB / "static" / name).read_bytes()).hexdigest()[:12]


def amounts_in_text(sentence: str, currency: str = "usd") -> str:
    """A sentence of the API, its cents written as people write money."""
    return CENTS.sub(lambda found: money(int(found[1]), currency), sentence)


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _day(text: str) -> "Markup":
    """A day of the calendar, of a date or moment in ISO 8601: the same in every zone."""
    from markupsafe import Markup

    when = datetime.fromisoformat(text[:10])
    return Markup('<time datetime="{}">{}</time>').format(text[:10], f"{when.day} {when:%b %Y}")


def _date(moment: datetime | str) -> "Markup":
    return _time(moment, "date", "{0.day} {0:%b %Y}")


def _datetime(moment: datetime | str) -> "Markup":
    return _time(moment, "datetime", IN_UTC)


def times_in_text(text: str) -> "Markup":
    """A sentence of the API, its ISO times shown as everywhere on the page."""
    from markupsafe import Markup

    parts: list[str | Markup] = []
    rest = 0
    for found in MOMENT.finditer(text):
        parts += [text[rest : found.start()], _datetime(found[0])]
        rest = found.end()
    return Markup().join([*parts, text[rest:]])


def times_as_utc(text: str) -> str:
    """The same as plain text, for a mail: its reader's zone is not known."""
    return MOMENT.sub(lambda found: IN_UTC.format(datetime.fromisoformat(found[0])), text)


def _time(moment: datetime | str, kind: str, layout: str) -> "Markup":
    """In UTC; the page's script shows it in the reader's own zone."""
    from markupsafe import Markup

    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    element = Markup('<time datetime="{}" data-format="{}">{}</time>')
    return element.format(iso(when), kind, layout.format(when))
