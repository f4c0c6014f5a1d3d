"""A mail's words: its template, in plain text and HTML, with the platform's branding.

`<name>.txt` begins with its subject (`Subject: …`); `<name>.html` says the same in HTML.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import clock
from chalicelib.domain.branding import inherit, readable
from chalicelib.domain.money import money
from chalicelib.services.settings import platform_settings
from chalicelib.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parents[2] / "web" / "templates" / "mail"


def compose(template: str, context: dict[str, Any], *, to: str, mail_id: str) -> EmailMessage:
    """Raises jinja2.TemplateError for a template that is missing or lacks a value."""
    brand = _brand()
    values = {**context, "brand": brand, "public_url": settings().public_url}
    text = _environment().get_template(f"{template}.txt").render(values)
    html = _environment().get_template(f"{template}.html").render(values)
    first_line, _, plain = text.lstrip().partition("\n")
    sender = settings().mail_from or ""
    local, _, domain = sender.rpartition("@")
    message = EmailMessage()
    message["Subject"] = first_line.removeprefix("Subject:").strip()
    message["From"] = Address(str(brand["product_name"]), local, domain)
    message["To"] = to
    message["Date"] = clock.now()
    message["Message-ID"] = f"<{mail_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if brand["support_email"]:
        message["Reply-To"] = str(brand["support_email"])
    message.set_content(plain.strip() + "\n")
    message.add_alternative(html, subtype="html")
    return message


def _brand() -> dict[str, Any]:
    return inherit(readable(platform_settings.cached_settings().branding_config)).values


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = money
    return environment
