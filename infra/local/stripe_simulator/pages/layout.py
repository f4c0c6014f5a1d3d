"""The frame of every page; all that comes from outside is escaped on its way in."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.stripe_simulator.http_response import HttpResponse

_FILES = Path(__file__).parent
_ASSETS = {
    "stand-in.css": ("simulator.css", "text/css; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}

NOTE = "This is a Stripe simulator on your own machine; no money moves."


def page(
    title: str, body: str, *, status: int = 200, css: str = "", form_targets: tuple[str, ...] = ()
) -> HttpResponse:
    """`form_targets` are the pages elsewhere that a form of this one may lead to."""
    html = (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/pay/assets/icon.svg">'
        '<link rel="stylesheet" href="/pay/assets/stand-in.css"></head>'
        f'<body class="{css}">{body}</body></html>\n'
    )
    origins = " ".join(sorted({_origin(url) for url in form_targets}))
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {origins}"
    )
    return HttpResponse(status, _headers("text/html; charset=utf-8", policy.strip()), html.encode())


def redirect(to: str) -> HttpResponse:
    return HttpResponse(303, {"Location": to, "Cache-Control": "no-store"})


def asset(name: str) -> HttpResponse:
    if name not in _ASSETS:
        return not_found()
    file, content_type = _ASSETS[name]
    headers = {"Content-Type": content_type, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(200, headers, (_FILES / file).read_bytes())


def not_found() -> HttpResponse:
    return message("Not found", "There is no such page in this test account.", status=404)


def message(title: str, text: str, *, link: str = "", status: int = 200) -> HttpResponse:
    body = (
        f'<main class="message"><h1>{escape(title)}</h1><p>{escape(text)}</p>{link}'
        f'<p class="note">{NOTE}</p></main>'
    )
    return page(title, body, status=status, css="plain")


def link(url: str | None, text: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>' if url else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _headers(content_type: str, policy: str) -> dict[str, str]:
    return {
        "Content-Type": content_type,
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
