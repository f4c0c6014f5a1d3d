"""What Stripe's dashboard and the buyer's bank would do, as buttons."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.commands import UnknownAction, perform, webhook_state
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.money import format_amount
from infra.local.stripe_simulator.pages.layout import NOTE, not_found, page, redirect
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.webhook_delivery import MODES, WebhookDelivery

_ACTIONS = "/stripe/dashboard/"
_EVENTS_SHOWN = 50


def handle(
    simulator: StripeSimulator,
    webhooks: WebhookDelivery | None,
    method: str,
    path_and_query: str,
    body: bytes,
) -> HttpResponse:
    url = urlsplit(path_and_query)
    if method == "POST":
        return _press(simulator, webhooks, url.path.removeprefix(_ACTIONS), body)
    if url.path != "/stripe":
        return not_found()
    return _show(simulator, webhooks, parse_qs(url.query).get("problem", [""])[0])


def _press(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, action: str, body: bytes
) -> HttpResponse:
    try:
        perform(simulator, webhooks, action, dict(parse_qsl(body.decode(errors="replace"))))
    except UnknownAction:
        return not_found()
    except (InvalidAction, StripeError) as refused:
        return redirect(f"/stripe?problem={quote(str(refused))}")
    return redirect("/stripe")


def _show(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, problem: str
) -> HttpResponse:
    sessions = "".join(
        _session(simulator, session) for session in simulator.all("checkout.session")
    )
    events = list(reversed(simulator.events()))[:_EVENTS_SHOWN]
    alert = f'<p class="error banner" role="alert">{escape(problem)}</p>' if problem else ""
    body = (
        '<main class="dashboard"><header><h1>Stripe, on this machine</h1>'
        f'<p class="note">{NOTE}</p></header>{alert}'
        f"{_webhooks(webhooks) if webhooks else ''}"
        f"<section><h2>Payments</h2>{sessions or '<p>No checkout has been started yet.</p>'}"
        f"</section>{_events(events)}</main>"
    )
    return page("Stripe, on this machine", body, css="plain")


def _webhooks(webhooks: WebhookDelivery) -> str:
    state = webhook_state(webhooks)
    modes = "".join(
        f'<button name="mode" value="{mode}" aria-pressed="{str(mode == webhooks.mode).lower()}">'
        f"{mode}</button>"
        for mode in MODES
    )
    counts = " · ".join(f"{state[name]} {name}" for name in ("delivered", "waiting", "held"))
    return (
        f'<section><h2>Webhooks</h2><p class="detail">{counts} · {state["dropped"]} dropped</p>'
        f'<div class="buttons"><form method="post" action="{_ACTIONS}webhooks" class="modes">'
        f"{modes}</form>{_button('webhooks/release', 'Release held')}"
        f"{_button('webhooks/release', 'Release held, shuffled', shuffled='on')}"
        f"{_button('webhooks/retry', 'Retry failed')}</div></section>"
    )


def _session(simulator: StripeSimulator, session: Object) -> str:
    id = session["id"]
    amount = format_amount(session["amount_total"], session["currency"])
    state = session["status"]
    if state == "complete":
        state = f"complete, {session['payment_status'].replace('_', ' ')}"
    name = escape(session["client_reference_id"] or id[:24] + "…")
    return (
        f'<article class="session"><h3>{amount} <span class="state">{state}</span></h3>'
        f'<p class="detail"><span title="{id}">{name}</span></p>'
        f"{_moves(simulator, session)}</article>"
    )


def _moves(simulator: StripeSimulator, session: Object) -> str:
    id = session["id"]
    if session["status"] == "open":
        pay = f'<a class="button" href="/pay/{id}">Payment page</a>'
        return f'<div class="buttons">{pay}{_button(f"sessions/{id}/expire", "Expire")}</div>'
    intent = session["payment_intent"] and simulator.find(
        "payment_intent", session["payment_intent"]
    )
    if not intent or session["status"] == "expired":
        return ""
    if intent["status"] == "processing":
        return (
            f'<div class="buttons">{_button(f"sessions/{id}/bank-confirms", "Bank confirms")}'
            f"{_button(f'sessions/{id}/bank-declines', 'Bank declines')}</div>"
        )
    if intent["status"] != "succeeded":
        return ""
    charge = intent["latest_charge"]
    refunds = [r for r in simulator.all("refund") if r["charge"] == charge]
    disputes = [d for d in simulator.all("dispute") if d["charge"] == charge]
    return _paid(id, simulator.find("charge", charge), refunds, disputes)


def _paid(id: str, charge: Object, refunds: list[Object], disputes: list[Object]) -> str:
    left = charge["amount"] - charge["amount_refunded"]
    refund = (
        f'<form method="post" action="{_ACTIONS}sessions/{id}/refund">'
        '<label>Refund (cents) <input name="amount" inputmode="numeric" '
        f'placeholder="all: {left}"></label>'
        '<label><input type="checkbox" name="pending"> pending</label>'
        "<button>Refund</button></form>"
    )
    disputable = left and all(d["status"] in ("won", "warning_closed") for d in disputes)
    rows = [_refund(refund) for refund in refunds] + [_dispute(dispute) for dispute in disputes]
    dispute = (
        f"{_button(f'sessions/{id}/dispute', 'Open dispute')}"
        f"{_button(f'sessions/{id}/dispute', 'Open inquiry', inquiry='on')}"
    )
    return (
        f'<div class="buttons">{refund if left else ""}{dispute if disputable else ""}</div>'
        f'<ul class="rows">{"".join(rows)}</ul>'
    )


def _refund(refund: Object) -> str:
    verbs = {"pending": ("succeeds", "fails"), "succeeded": ("fails",)}
    buttons = (
        _button(f"refunds/{refund['id']}/{verb}", f"Refund {verb}")
        for verb in verbs.get(refund["status"], ())
    )
    return _row("Refund", refund, buttons)


def _dispute(dispute: Object) -> str:
    inquiry = ("review", "escalate", "close")
    chargeback = ("review", "win", "lose")
    verbs = {
        "warning_needs_response": inquiry,
        "warning_under_review": inquiry[1:],
        "needs_response": chargeback,
        "under_review": chargeback[1:],
    }
    buttons = (
        _button(f"disputes/{dispute['id']}/{verb}", verb.capitalize())
        for verb in verbs.get(dispute["status"], ())
    )
    return _row("Dispute", dispute, buttons)


def _row(name: str, object: Object, buttons: Iterable[str]) -> str:
    amount = format_amount(object["amount"], object["currency"])
    state = object["status"].replace("_", " ")
    return (
        f'<li><span>{name} {amount} <span class="state">{state}</span></span>'
        f'<span class="buttons">{"".join(buttons)}</span></li>'
    )


def _button(action: str, text: str, **fields: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items()
    )
    return (
        f'<form method="post" action="{_ACTIONS}{action}">{hidden}'
        f"<button>{escape(text)}</button></form>"
    )


def _events(events: list[Object]) -> str:
    rows = "".join(
        f"<tr><td>{event['type']}</td><td><code>{event['data']['object']['id'][:24]}</code></td>"
        f"<td>{_button('webhooks/send', 'Send again', event=event['id'])}</td></tr>"
        for event in events
    )
    head = "<tr><th>Event</th><th>About</th><th>Webhook</th></tr>"
    return f"<section><h2>Events</h2><table>{head}{rows}</table></section>" if rows else ""
