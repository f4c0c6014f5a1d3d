"""Security headers of every API response and every page: OWASP ASVS 5.0, V3.4."""

from chalicelib.settings import settings

PAYMENT_PAGE = "https://checkout.stripe.com"

Headers = dict[str, str | list[str]]

# Two years of HSTS, as the browsers' preload lists require.
COMMON_HEADERS: dict[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# API responses are for programs, so a browser must not run, frame, or follow anything in them.
API_HEADERS: dict[str, str] = {
    **COMMON_HEADERS,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def for_api() -> Headers:
    return dict(API_HEADERS)


def for_pages() -> Headers:
    """Return the headers of an HTML page.

    The policy is strict: no inline code, and nothing from another origin except https images
    (logos and backgrounds of a brand) and the payment page that a form redirects to.
    """
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data: https:",
        "connect-src 'self'",
        # The Stripe simulator's payment page is same-origin, so it needs no exception.
        f"form-action 'self'{'' if settings().stripe_api_base else ' ' + PAYMENT_PAGE}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        **COMMON_HEADERS,
        "Content-Security-Policy": "; ".join(policy),
        # Other sites get no referrer, so the token in a password link cannot leak to them.
        "Referrer-Policy": "same-origin",
    }
