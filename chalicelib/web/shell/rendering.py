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

View = dict[str, Any]  # Any: values for a template, which has no static types

WEB = Path(__file__).parents[1]
INDENTATION = re.compile(r"^ +", re.MULTILINE)
UTC_LAYOUT = "{0.day} {0:%b %Y, %H:%M} UTC"


def render(template: str, context: View) -> str:
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
        better_password_length=passwords.BETTER_LENGTH,
        purchase_status=words.purchase_status,
        domain_status=words.domain_status,
        ledger_words=words.ledger_words,
    )
    env.filters.update(money=money, day=_day, date=_date, datetime=time_element)
    env.filters.update(plural=words.plural)
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


def _day(text: str) -> "Markup":
    """Format the day in an ISO 8601 date or time, without converting it to a time zone."""
    from markupsafe import Markup

    when = datetime.fromisoformat(text[:10])
    return Markup('<time datetime="{}">{}</time>').format(text[:10], f"{when.day} {when:%b %Y}")


def _date(time: datetime | str) -> "Markup":
    return _element(time, "date", "{0.day} {0:%b %Y}")


def time_element(time: datetime | str) -> "Markup":
    return _element(time, "datetime", UTC_LAYOUT)


def utc_time(time: str) -> str:
    """Format a time as UTC, for texts whose reader's time zone is unknown."""
    return UTC_LAYOUT.format(datetime.fromisoformat(time))


def _element(time: datetime | str, kind: str, layout: str) -> "Markup":
    """Format a time in UTC. The page's script converts it to the user's time zone."""
    from markupsafe import Markup

    when = datetime.fromisoformat(time) if isinstance(time, str) else time
    element = Markup('<time datetime="{}" data-format="{}">{}</time>')
    return element.format(iso(when), kind, layout.format(when))
