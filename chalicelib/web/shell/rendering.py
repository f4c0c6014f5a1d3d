"""Render templates with Jinja2 (autoescape on). Jinja2 is imported on first use."""

import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.domain import passwords
from chalicelib.domain.money import money
from chalicelib.storage.rows import iso
from chalicelib.web.shell import words
from chalicelib.web.shell.urls import url

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

WEB = Path(__file__).parents[1]
ISO_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
INDENTATION = re.compile(r"^ +", re.MULTILINE)
CENTS = re.compile(r"\b(\d+) cents\b")
UTC_LAYOUT = "{0.day} {0:%b %Y, %H:%M} UTC"


def render(template: str, context: dict[str, Any]) -> str:
    return environment().get_template(template).render(context)


@cache
def environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    env = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals.update(
        url=url,
        static=static,
        password_length=passwords.LENGTH,
        better_password_length=passwords.BETTER_LENGTH,
        purchase_status=words.purchase_status,
        domain_status=words.domain_status,
    )
    env.filters.update(money=money, day=_day, date=_date, datetime=_datetime, plural=plural)
    env.filters.update(times=times_in_text, utc=times_as_utc, cents=amounts_in_text)
    return env


def _source(template: str) -> str:
    """Return the template without indentation, which would only enlarge the responses."""
    return INDENTATION.sub("", (WEB / "templates" / template).read_text("utf-8"))


def static(name: str) -> str:
    """Return a static file's URL, which changes with the content, so caches can keep it forever."""
    return url(f"/static/{name}", v=_content_hash(name))


@cache
def _content_hash(name: str) -> str:
    return hashlib.sha256((WEB / "static" / name).read_bytes()).hexdigest()[:12]


def amounts_in_text(sentence: str, currency: str = "usd") -> str:
    """Format the amounts in an API message: `5000 cents` becomes `$50.00`."""
    return CENTS.sub(lambda match: money(int(match[1]), currency), sentence)


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _day(text: str) -> "Markup":
    """Format the day in an ISO 8601 date or time, without converting it to a time zone."""
    from markupsafe import Markup

    when = datetime.fromisoformat(text[:10])
    return Markup('<time datetime="{}">{}</time>').format(text[:10], f"{when.day} {when:%b %Y}")


def _date(time: datetime | str) -> "Markup":
    return _time_element(time, "date", "{0.day} {0:%b %Y}")


def _datetime(time: datetime | str) -> "Markup":
    return _time_element(time, "datetime", UTC_LAYOUT)


def times_in_text(text: str) -> "Markup":
    """Replace the ISO times in an API message with `<time>` elements, like other times on pages."""
    from markupsafe import Markup

    parts: list[str | Markup] = []
    rest = 0
    for match in ISO_TIME.finditer(text):
        parts += [text[rest : match.start()], _datetime(match[0])]
        rest = match.end()
    return Markup().join([*parts, text[rest:]])


def times_as_utc(text: str) -> str:
    """Format the ISO times in a text as UTC, for mail, where the reader's time zone is unknown."""
    return ISO_TIME.sub(lambda match: UTC_LAYOUT.format(datetime.fromisoformat(match[0])), text)


def _time_element(time: datetime | str, kind: str, layout: str) -> "Markup":
    """Format a time in UTC. The page's script converts it to the user's time zone."""
    from markupsafe import Markup

    when = datetime.fromisoformat(time) if isinstance(time, str) else time
    element = Markup('<time datetime="{}" data-format="{}">{}</time>')
    return element.format(iso(when), kind, layout.format(when))
