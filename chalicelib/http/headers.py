"""Security headers for all API responses and pages, following OWASP ASVS 5.0, V3.4."""

from chalicelib.settings import settings

PAYMENT_PAGE = "https://checkout.stripe.com"

Headers = dict[str, str | list[str]]

# Two years of HSTS, as recommended for the browsers' preload lists.
COMMON_HEADERS: dict[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# API responses are meant for programs, so a browser must not run, frame, or load anything in them.
API_HEADERS: dict[str, str] = {
    **COMMON_HEADERS,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def for_api() -> Headers:
    return dict(API_HEADERS)


def for_pages() -> Headers:
    """Return the headers for an HTML page.

    The content security policy is strict. It allows no inline code, and nothing from other origins
    except https images (a brand's logos and backgrounds) and the payment page a form redirects to.
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
