"""Render mail templates as messages in plain text and HTML, with the platform's branding.

Each mail has two templates: `<name>.txt`, which starts with the subject line (`Subject: …`), and
`<name>.html`, the HTML version.
"""

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.domain.branding import inherit, valid_fields
from chalicelib.domain.money import money
from chalicelib.services.settings import platform_settings
from chalicelib.settings import settings
from chalicelib.storage.outbox import MailTemplate

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parents[2] / "web" / "templates" / "mail"


def compose(
    template: MailTemplate, context: Mapping[str, object], *, to: str, mail_id: str
) -> EmailMessage:
    """Return the message to send.

    Raises jinja2.TemplateError if the template is missing or `context` lacks a value.
    """
    brand = _platform_branding()
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


def _platform_branding() -> Mapping[str, object]:
    return inherit(valid_fields(platform_settings.cached_settings().branding_config)).values


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
