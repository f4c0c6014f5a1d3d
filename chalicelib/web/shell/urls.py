"""Build and check the service's own URLs.

API Gateway's default domain puts a stage before every path, a custom domain does not. The path of
PUBLIC_URL says which one applies.
"""

from urllib.parse import urlencode, urlsplit

from chalicelib.settings import settings


def url(path: str, **query: object) -> str:
    """Return the URL path that reaches `path` in this deployment. Omit empty query values."""
    present = {name: value for name, value in query.items() if value not in (None, "")}
    before, hash_sign, fragment = path.partition("#")
    separator = "&" if "?" in before else "?"
    query_string = separator + urlencode(present) if present else ""
    return prefix() + before + query_string + hash_sign + fragment


def prefix() -> str:
    """Return the prefix of every path, such as `/api`, or an empty string."""
    return urlsplit(settings().public_url).path.rstrip("/")


def without_prefix(path: str) -> str | None:
    """Return `path` in the form that `url` expects, or None if it lacks the prefix."""
    if not path.startswith(prefix() + "/"):
        return None
    return path.removeprefix(prefix())


def is_own_origin(origin: str, host: str | None) -> bool:
    """Return whether `origin` (an Origin header: scheme and host) is one of our own.

    That is the origin of PUBLIC_URL, or the requested host, which can be a custom domain.
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
        return None  # not valid in a Location header, and none of our URLs need it
    return address
