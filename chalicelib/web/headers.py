"""The headers of every page: a browser is told to trust nothing that is not ours."""

from chalicelib.settings import settings

PAYMENT_PAGE = "https://checkout.stripe.com"


def headers() -> dict[str, str | list[str]]:
    """Strict: nothing inline, nothing of another origin but images that a brand names."""
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
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
