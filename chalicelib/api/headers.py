"""The security headers of every answer, of the API and of the pages: OWASP ASVS 5.0, V3.4."""

from chalicelib.settings import settings

PAYMENT_PAGE = "https://checkout.stripe.com"

Headers = dict[str, str | list[str]]

# What every answer carries. HSTS: two years, as browsers' preload lists ask for.
EVERYWHERE: dict[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# JSON is to be read by programs: nothing in it may be run, framed or followed by a browser.
DATA: dict[str, str] = {
    **EVERYWHERE,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def of_data() -> Headers:
    return dict(DATA)


def of_pages() -> Headers:
    """Strict: nothing inline, nothing of another origin but images that a brand names and
    the payment page that a form leads to."""
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data: https:",
        "connect-src 'self'",
        # A form may end in a redirect to the payment page; the stand-in's is our own.
        f"form-action 'self'{'' if settings().stripe_api_base else ' ' + PAYMENT_PAGE}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        **EVERYWHERE,
        "Content-Security-Policy": "; ".join(policy),
        # Our own pages are told where one came from, other sites not: no link's token leaves.
        "Referrer-Policy": "same-origin",
    }
