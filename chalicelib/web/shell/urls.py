"""Build and check the service's own URLs.

With API Gateway's default domain, every path starts with the stage; with a custom domain, it does
not. The path in PUBLIC_URL shows which case applies.
"""

from urllib.parse import urlencode, urlsplit

from chalicelib.settings import settings


def url(path: str, **query: object) -> str:
    """Return the URL path for `path` in this deployment. Empty query values are omitted."""
    present = {name: value for name, value in query.items() if value not in (None, "")}
    before, hash_sign, fragment = path.partition("#")
    separator = "&" if "?" in before else "?"
    query_string = separator + urlencode(present) if present else ""
    return prefix() + before + query_string + hash_sign + fragment


def prefix() -> str:
    """Return the prefix that all paths share, such as `/api`, or an empty string."""
    return urlsplit(settings().public_url).path.rstrip("/")


def without_prefix(path: str) -> str | None:
    """Return `path` in the form that `url` expects, or None if it lacks the prefix."""
    if not path.startswith(prefix() + "/"):
        return None
    return path.removeprefix(prefix())


def is_own_origin(origin: str, host: str | None) -> bool:
    """Return whether `origin` (an Origin header: scheme and host) is one of our own.

    Our own origins are PUBLIC_URL's and that of the requested host, which can be a custom domain.
    """
    parts = urlsplit(settings().public_url)
    return origin == f"{parts.scheme}://{parts.netloc}" or (
        bool(host) and origin == f"{parts.scheme}://{host}"
    )


def own_path(address: str | None) -> str | None:
    """Return `address` if it is a path on this site, or None.

    Prevents open redirects after sign-in.
    """
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or "\\" in address:
        return None
    if not address.isascii() or not address.isprintable():
        return None  # not valid in a Location header, and not needed in any of our URLs
    return address
