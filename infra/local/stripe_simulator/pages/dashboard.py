"""The dashboard at /stripe, with buttons for the actions of the merchant and the buyer's bank."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.commands import UnknownCommand, run_command, webhook_counts
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.money import format_amount
from infra.local.stripe_simulator.pages.layout import NOTE, not_found, page, redirect
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.webhook_delivery import MODES, WebhookDelivery

_COMMANDS = "/stripe/dashboard/"
_MAX_EVENTS = 50


def handle(
    simulator: StripeSimulator,
    webhooks: WebhookDelivery | None,
    method: str,
    path_and_query: str,
    body: bytes,
) -> HttpResponse:
    url = urlsplit(path_and_query)
    if method == "POST":
        return _run(simulator, webhooks, url.path.removeprefix(_COMMANDS), body)
    if url.path != "/stripe":
        return not_found()
    return _dashboard_page(simulator, webhooks, parse_qs(url.query).get("problem", [""])[0])


def _run(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, command: str, body: bytes
) -> HttpResponse:
    """Run the pressed button's command, and redirect to the dashboard."""
    try:
        run_command(simulator, webhooks, command, dict(parse_qsl(body.decode(errors="replace"))))
    except UnknownCommand:
        return not_found()
    except (InvalidAction, StripeError) as error:
        return redirect(f"/stripe?problem={quote(str(error))}")
    return redirect("/stripe")


def _dashboard_page(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, problem: str
) -> HttpResponse:
    sessions = "".join(
        _session_card(simulator, session) for session in simulator.all("checkout.session")
    )
    events = list(reversed(simulator.events()))[:_MAX_EVENTS]
    alert = f'<p class="error banner" role="alert">{escape(problem)}</p>' if problem else ""
    body = (
        '<main class="dashboard"><header><h1>Stripe simulator</h1>'
        f'<p class="note">{NOTE}</p></header>{alert}'
        f"{_webhook_controls(webhooks) if webhooks else ''}"
        f"<section><h2>Payments</h2>{sessions or '<p>No checkouts yet.</p>'}"
        f"</section>{_event_table(events)}</main>"
    )
    return page("Stripe simulator", body, css="plain")


def _webhook_controls(webhooks: WebhookDelivery) -> str:
    state = webhook_counts(webhooks)
    modes = "".join(
        f'<button name="mode" value="{mode}" aria-pressed="{str(mode == webhooks.mode).lower()}">'
        f"{mode}</button>"
        for mode in MODES
    )
    counts = " · ".join(f"{state[name]} {name}" for name in ("delivered", "waiting", "held"))
    return (
        f'<section><h2>Webhooks</h2><p class="detail">{counts} · {state["dropped"]} dropped</p>'
        f'<div class="buttons"><form method="post" action="{_COMMANDS}webhooks" class="modes">'
        f"{modes}</form>{_button('webhooks/release', 'Release held')}"
        f"{_button('webhooks/release', 'Release held, shuffled', shuffled='on')}"
        f"{_button('webhooks/retry', 'Retry failed')}</div></section>"
    )


def _session_card(simulator: StripeSimulator, session: Object) -> str:
    id = session["id"]
    amount = format_amount(session["amount_total"], session["currency"])
    state = session["status"]
    if state == "complete":
        state = f"complete, {session['payment_status'].replace('_', ' ')}"
    name = escape(session["client_reference_id"] or id[:24] + "…")
    return (
        f'<article class="session"><h3>{amount} <span class="state">{state}</span></h3>'
        f'<p class="detail"><span title="{id}">{name}</span></p>'
        f"{_session_actions(simulator, session)}</article>"
    )


def _session_actions(simulator: StripeSimulator, session: Object) -> str:
    id = session["id"]
    if session["status"] == "open":
        link = f'<a class="button" href="/pay/{id}">Payment page</a>'
        return f'<div class="buttons">{link}{_button(f"sessions/{id}/expire", "Expire")}</div>'
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
    return _paid_actions(id, simulator.find("charge", charge), refunds, disputes)


def _paid_actions(id: str, charge: Object, refunds: list[Object], disputes: list[Object]) -> str:
    remaining = charge["amount"] - charge["amount_refunded"]
    refund_form = (
        f'<form method="post" action="{_COMMANDS}sessions/{id}/refund">'
        '<label>Refund (cents) <input name="amount" inputmode="numeric" '
        f'placeholder="all: {remaining}"></label>'
        '<label><input type="checkbox" name="pending"> pending</label>'
        "<button>Refund</button></form>"
    )
    disputable = remaining and all(d["status"] in ("won", "warning_closed") for d in disputes)
    rows = [_refund_row(refund) for refund in refunds]
    rows += [_dispute_row(dispute) for dispute in disputes]
    dispute_buttons = (
        f"{_button(f'sessions/{id}/dispute', 'Open dispute')}"
        f"{_button(f'sessions/{id}/dispute', 'Open inquiry', inquiry='on')}"
    )
    return (
        f'<div class="buttons">{refund_form if remaining else ""}'
        f"{dispute_buttons if disputable else ''}</div>"
        f'<ul class="rows">{"".join(rows)}</ul>'
    )


def _refund_row(refund: Object) -> str:
    verbs = {"pending": ("succeeds", "fails"), "succeeded": ("fails",)}
    buttons = (
        _button(f"refunds/{refund['id']}/{verb}", f"Refund {verb}")
        for verb in verbs.get(refund["status"], ())
    )
    return _row("Refund", refund, buttons)


def _dispute_row(dispute: Object) -> str:
    inquiry = ("review", "escalate", "close")
    chargeback = ("review", "win", "lose")
    verbs = {
        "warning_needs_response": inquiry,
        "warning_under_review": inquiry[1:],
        "needs_response": chargeback,
        "under_review": chargeback[1:],
    }
    labels = {"review": "Submit evidence"}
    buttons = (
        _button(f"disputes/{dispute['id']}/{verb}", labels.get(verb, verb.capitalize()))
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


def _button(command: str, text: str, **fields: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items()
    )
    return (
        f'<form method="post" action="{_COMMANDS}{command}">{hidden}'
        f"<button>{escape(text)}</button></form>"
    )


def _event_table(events: list[Object]) -> str:
    rows = "".join(
        f"<tr><td>{event['type']}</td><td><code>{event['data']['object']['id'][:24]}</code></td>"
        f"<td>{_button('webhooks/send', 'Send again', event=event['id'])}</td></tr>"
        for event in events
    )
    head = "<tr><th>Event</th><th>Object</th><th>Webhook</th></tr>"
    return f"<section><h2>Events</h2><table>{head}{rows}</table></section>" if rows else ""
