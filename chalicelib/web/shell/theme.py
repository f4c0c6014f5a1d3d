"""How our own pages look: in the brand of the host that they are visited at, or, before
anyone has signed in, of the reseller or tenant that the address names."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib.domain.branding import BUILT_IN, stylesheet
from chalicelib.services.branding import documents
from chalicelib.services.domains import hosts
from chalicelib.settings import settings
from chalicelib.web.shell.urls import url


@dataclass(frozen=True, slots=True)
class PageTheme:
    """host: None where it is the platform's own. reseller, tenant: slugs."""

    host: str | None
    reseller: str | None = None
    tenant: str | None = None

    @classmethod
    def of(cls, host: str | None, reseller: str, tenant: str) -> "PageTheme":
        if reseller:
            return cls(None, reseller, tenant or None)
        name = hosts.normalised(host or "")
        return cls(None if name is None or hosts.is_platform_host(name) else name)

    @property
    def query(self) -> dict[str, str]:
        """What an address carries so that the next page looks the same."""
        named = {"reseller": self.reseller, "tenant": self.tenant}
        return {name: slug for name, slug in named.items() if slug}

    def values(self) -> dict[str, str | None]:
        return documents.for_login(self.host, self.reseller, self.tenant)


def login_address(reseller: str, tenant: str | None = None) -> str:
    """The whole address of the sign-in page in the brand of a reseller or tenant, by slug."""
    parts = urlsplit(settings().public_url)
    return (
        f"{parts.scheme}://{parts.netloc}{url('/login', **PageTheme(None, reseller, tenant).query)}"
    )


def theme_context(look: PageTheme) -> dict[str, Any]:
    """What the frame of a page is told. The stylesheet's address changes with its content."""
    values = look.values()
    css = stylesheet(values)
    address = None
    if css != stylesheet(dict(BUILT_IN)):
        address = url("/brand.css", **look.query, v=_content_hash(css))
    return {"brand": values, "brand_css_url": address, "look": look.query}


def theme_stylesheet(look: PageTheme, asked_for: str) -> Response:
    """The stylesheet of a look: kept for ever under the address that names its content. By
    browsers alone: whose look it is the host says, which a cache between may leave out."""
    css = stylesheet(look.values())
    kept = "max-age=31536000, immutable" if asked_for == _content_hash(css) else "max-age=60"
    control = f"private, {kept}"
    return Response(css, {"Content-Type": "text/css; charset=utf-8", "Cache-Control": control})


def _content_hash(css: str) -> str:
    return hashlib.sha256(css.encode()).hexdigest()[:12]
