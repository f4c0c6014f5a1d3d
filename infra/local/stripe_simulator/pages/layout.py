"""The layout of every page. Callers escape `body`; titles and texts are escaped here."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.stripe_simulator.http_response import HttpResponse

_FOLDER = Path(__file__).parent
_ASSETS = {
    "simulator.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

NOTE = "This is a Stripe simulator on your own machine. No real money is charged."


def page(
    title: str, body: str, *, status: int = 200, css: str = "", form_targets: tuple[str, ...] = ()
) -> HttpResponse:
    """Return an HTML page. `form_targets` are the external URLs that its forms can redirect to."""
    html = (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/pay/assets/icon.svg">'
        '<link rel="stylesheet" href="/pay/assets/simulator.css"></head>'
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
    headers = {"Content-Type": _ASSETS[name], "X-Content-Type-Options": "nosniff"}
    return HttpResponse(200, headers, (_FOLDER / name).read_bytes())


def not_found() -> HttpResponse:
    return message("Not found", "This page does not exist in the Stripe simulator.", status=404)


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
