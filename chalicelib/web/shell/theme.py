"""The branding for our own pages.

The requested host selects the brand. Before sign-in, a reseller or tenant in the query can select
it instead.
"""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib.domain.branding import DEFAULT_BRANDING, stylesheet
from chalicelib.services.branding import documents
from chalicelib.services.domains import hosts
from chalicelib.settings import settings
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.urls import url


@dataclass(frozen=True, slots=True)
class PageTheme:
    """Whose brand a page has.

    `host` is None on the platform's own host. `reseller` and `tenant` are slugs.
    """

    host: str | None
    reseller: str | None = None
    tenant: str | None = None

    @classmethod
    def of(cls, host: str | None, reseller: str, tenant: str) -> "PageTheme":
        if reseller:
            return cls(None, reseller, tenant or None)
        name = hosts.normalize_host(host or "")
        return cls(None if name is None or hosts.is_platform_host(name) else name)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters that give the next page the same brand."""
        named = {"reseller": self.reseller, "tenant": self.tenant}
        return {name: slug for name, slug in named.items() if slug}

    def values(self) -> dict[str, str | None]:
        return documents.login_branding(self.host, self.reseller, self.tenant)


def login_address(reseller: str, tenant: str | None = None) -> str:
    """Return the full URL of the sign-in page in a reseller's or tenant's brand. Takes slugs."""
    parts = urlsplit(settings().public_url)
    return (
        f"{parts.scheme}://{parts.netloc}{url('/login', **PageTheme(None, reseller, tenant).query)}"
    )


def theme_context(theme: PageTheme) -> View:
    """Return the branding for the layout. The stylesheet's URL changes with its content."""
    values = theme.values()
    css = stylesheet(values)
    css_url = None
    if css != stylesheet(dict(DEFAULT_BRANDING)):
        css_url = url("/brand.css", **theme.query, v=_content_hash(css))
    return {"brand": values, "brand_css_url": css_url, "theme_query": theme.query}


def theme_stylesheet(theme: PageTheme, version: str) -> Response:
    """Return the brand's CSS. Browsers cache it for a year if `version` matches its content hash.

    Shared caches must not store it, because it depends on the host, which a cache key can omit.
    """
    css = stylesheet(theme.values())
    is_current = version == _content_hash(css)
    lifetime = "max-age=31536000, immutable" if is_current else "max-age=60"
    control = f"private, {lifetime}"
    return Response(css, {"Content-Type": "text/css; charset=utf-8", "Cache-Control": control})


def _content_hash(css: str) -> str:
    return hashlib.sha256(css.encode()).hexdigest()[:12]
