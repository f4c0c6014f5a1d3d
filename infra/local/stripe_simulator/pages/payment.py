"""The hosted payment page: an order summary and a form that offers every payment outcome."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, parse_qsl, urlsplit

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.money import format_amount
from infra.local.stripe_simulator.pages.layout import NOTE, link, message, not_found, page, redirect
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.transitions.checkout import DELAYED_METHOD

MERCHANT = "Tenantry (test mode)"


def handle(
    simulator: StripeSimulator, method: str, path_and_query: str, body: bytes
) -> HttpResponse:
    url = urlsplit(path_and_query)
    try:
        session, items = simulator.session_and_line_items(url.path.removeprefix("/pay/"))
    except StripeError:
        return not_found()
    if session["status"] != "open":
        return _closed_page(session)
    if method == "POST":
        return _submit(simulator, session, dict(parse_qsl(body.decode(errors="replace"))))
    return _payment_page(session, items, parse_qs(url.query).get("problem", [""])[0])


def _submit(simulator: StripeSimulator, session: Object, form: dict[str, str]) -> HttpResponse:
    id = session["id"]
    email = form.get("email") or None
    try:
        if form.get("do") == "apply":
            simulator.apply_promotion_code(id, form.get("promotion_code", ""))
        elif form.get("method") == "declined":
            simulator.decline_card(id)
            return redirect(f"/pay/{id}?problem=declined")
        elif form.get("method") == "bank":
            return redirect(success_url(simulator.pay_later(id, email=email)))
        else:
            return redirect(success_url(simulator.pay(id, email=email)))
    except InvalidAction:
        # The page shows the session's current state.
        problem = "code" if form.get("do") == "apply" else ""
        return redirect(f"/pay/{id}?problem={problem}")
    return redirect(f"/pay/{id}")


def success_url(session: Object) -> str:
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _closed_page(session: Object) -> HttpResponse:
    if session["status"] == "expired":
        return message(
            "This checkout has expired",
            "You were not charged. Return to the shop to start a new checkout.",
            link=link(session["cancel_url"], "Return to the shop"),
        )
    text = "Your payment was received."
    if session["payment_status"] == "unpaid":
        text = "Your bank is processing the payment. This can take a few days."
    back = link(success_url(session), "Return to the shop")
    return message("You’re all done here", text, link=back)


def _payment_page(session: Object, items: list[Object], problem: str) -> HttpResponse:
    body = (
        f'<main class="checkout">{_order_summary(session, items, problem)}'
        f"{_payment_form(session, problem)}</main>"
    )
    return page(f"Pay {MERCHANT}", body, css="pay", form_targets=(session["success_url"],))


def _order_summary(session: Object, items: list[Object], problem: str) -> str:
    currency = session["currency"]
    total = format_amount(session["amount_total"], currency)
    back = ""
    if session["cancel_url"]:
        back = (
            f'<a class="back" href="{escape(session["cancel_url"])}">'
            '<span aria-hidden="true">←</span> Cancel and return</a>'
        )
    lines = "".join(_line_item(item) for item in items)
    return (
        f'<section class="summary"><header>{back}'
        f'<p class="merchant">{MERCHANT}</p></header>'
        f'<p class="label">Pay {MERCHANT}</p><h1 class="total">{total}</h1>'
        f'<ul class="lines">{lines}</ul>{_totals(session)}{_promotion_form(session, problem)}'
        f'<p class="note">{NOTE}</p></section>'
    )


def _line_item(item: Object) -> str:
    currency = item["currency"]
    each = format_amount(item["price"]["unit_amount"], currency)
    return (
        f'<li><span class="name">{escape(item["description"])}</span>'
        f'<span class="amount">{format_amount(item["amount_subtotal"], currency)}</span>'
        f'<span class="detail">Qty {item["quantity"]:,} · {each} each</span></li>'
    )


def _totals(session: Object) -> str:
    currency = session["currency"]
    discount = session["total_details"]["amount_discount"]
    rows = [("Subtotal", format_amount(session["amount_subtotal"], currency))]
    if discount:
        rows.append(("Promotion", f"−{format_amount(discount, currency)}"))
    rows.append(("Total due", format_amount(session["amount_total"], currency)))
    return (
        '<dl class="totals">'
        + "".join(f"<div><dt>{name}</dt><dd>{amount}</dd></div>" for name, amount in rows)
        + "</dl>"
    )


def _promotion_form(session: Object, problem: str) -> str:
    if not session["allow_promotion_codes"]:
        return ""
    error = '<p class="error" role="alert">This code is invalid.</p>' if problem == "code" else ""
    return (
        f'<form class="promotion" method="post" action="/pay/{session["id"]}">'
        '<label for="code">Promotion code</label><div class="row">'
        '<input id="code" name="promotion_code" placeholder="FREE100" autocomplete="off" required>'
        f'<button name="do" value="apply">Apply</button></div>{error}</form>'
    )


def _payment_form(session: Object, problem: str) -> str:
    declined = ""
    if problem == "declined":
        declined = (
            '<p class="error banner" role="alert">Your card was declined. '
            "Try another payment method.</p>"
        )
    free = session["amount_total"] == 0
    total = format_amount(session["amount_total"], session["currency"])
    return (
        f'<section class="payment"><form method="post" action="/pay/{session["id"]}">'
        f"<h2>Contact information</h2>{_email_field(session)}"
        + ("" if free else f"<h2>Payment method</h2>{declined}{_payment_methods(session)}")
        + f'<button class="primary" name="do" value="pay">'
        f"{'Complete order' if free else f'Pay {total}'}</button></form>"
        '<p class="fine">Test mode · card details are not sent or stored.</p></section>'
    )


def _email_field(session: Object) -> str:
    email = session["customer_details"] and session["customer_details"]["email"]
    value = f'value="{escape(email)}" readonly' if email else 'value="buyer@example.com"'
    return (
        '<label class="field"><span>Email</span>'
        f'<input type="email" name="email" autocomplete="email" required {value}></label>'
    )


def _payment_methods(session: Object) -> str:
    # The card fields have no `name`, so the browser does not send them.
    card = (
        '<div class="fields"><label class="field"><span>Card number</span>'
        '<input inputmode="numeric" value="4242 4242 4242 4242"></label>'
        '<div class="pair"><label class="field"><span>Expires</span><input value="12 / 34"></label>'
        '<label class="field"><span>CVC</span><input value="424"></label></div></div>'
    )
    methods = [("card", "Card", "Succeeds immediately", card)]
    if DELAYED_METHOD in session["payment_method_types"]:
        methods.append(("bank", "US bank account", "Confirmed later by the bank", ""))
    methods.append(("declined", "Declined card", "•••• 0002", ""))
    options = "".join(_payment_method(*method, selected=method[0] == "card") for method in methods)
    return f'<div class="methods" role="radiogroup" aria-label="Payment method">{options}</div>'


def _payment_method(value: str, name: str, hint: str, fields: str, *, selected: bool) -> str:
    checked = " checked" if selected else ""
    return (
        f'<div class="method"><label><input type="radio" name="method" value="{value}"{checked}>'
        f"<span>{name}</span><small>{hint}</small></label>{fields}</div>"
    )
