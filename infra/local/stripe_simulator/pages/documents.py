"""The receipt and invoice pages that charge and invoice objects link to."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.errors import StripeError
from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.money import format_amount
from infra.local.stripe_simulator.pages.layout import NOTE, not_found, page
from infra.local.stripe_simulator.pages.pdf import pdf
from infra.local.stripe_simulator.simulator import StripeSimulator

MERCHANT = "Tenantry (test mode)"
Rows = list[tuple[str, str]]


def handle(simulator: StripeSimulator, path: str) -> HttpResponse:
    """Answer a request for a receipt, an invoice, or an invoice's PDF."""
    try:
        match path.strip("/").split("/"):
            case ["pay", "receipts", id]:
                return _receipt_page(simulator.find("charge", id))
            case ["pay", "invoices", id]:
                return _invoice_page(simulator.find("invoice", id))
            case ["pay", "invoices", id, "pdf"]:
                return _invoice_pdf(simulator.find("invoice", id))
    except StripeError:
        pass
    return not_found()


def _receipt_page(charge: Object) -> HttpResponse:
    rows = [
        ("Amount paid", format_amount(charge["amount"], charge["currency"])),
        ("Date paid", _format_date(charge["created"])),
        ("Payment method", charge["payment_method_details"]["type"].replace("_", " ")),
    ]
    if charge["amount_refunded"]:
        rows.append(("Refunded", format_amount(charge["amount_refunded"], charge["currency"])))
    return _document_page(f"Receipt from {MERCHANT}", charge["id"], rows)


def _invoice_page(invoice: Object) -> HttpResponse:
    download = f'<p><a href="/pay/invoices/{invoice["id"]}/pdf">Download PDF</a></p>'
    rows = _invoice_rows(invoice)
    return _document_page(f"Invoice from {MERCHANT}", invoice["number"], rows, download)


def _invoice_pdf(invoice: Object) -> HttpResponse:
    lines = [f"Invoice {invoice['number']}", MERCHANT, ""]
    lines += [f"{name}: {value}" for name, value in _invoice_rows(invoice)]
    headers = {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'inline; filename="invoice-{invoice["number"]}.pdf"',
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(200, headers, pdf([*lines, "", NOTE]))


def _invoice_rows(invoice: Object) -> Rows:
    currency = invoice["currency"]
    rows = [
        ("Billed to", invoice["customer_email"] or ""),
        ("Date", _format_date(invoice["created"])),
    ]
    for line in invoice["lines"]["data"]:
        amount = format_amount(line["amount"], currency)
        rows.append((f"{line['description']} × {line['quantity']:,}", amount))
    if invoice["subtotal"] != invoice["total"]:
        discount = invoice["subtotal"] - invoice["total"]
        rows.append(("Promotion", f"−{format_amount(discount, currency)}"))
    return [*rows, ("Amount paid", format_amount(invoice["amount_paid"], currency))]


def _document_page(title: str, number: str, rows: Rows, footer: str = "") -> HttpResponse:
    table = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows
    )
    body = (
        f'<main class="document"><h1>{escape(title)}</h1><p class="number">{escape(number)}</p>'
        f'<dl class="totals">{table}</dl>{footer}<p class="note">{NOTE}</p></main>'
    )
    return page(title, body, css="plain")


def _format_date(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%d %B %Y")
