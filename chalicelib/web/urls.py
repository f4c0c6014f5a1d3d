"""The one place that builds the service's own addresses: API Gateway puts a stage before every
path, a custom domain does not, and PUBLIC_URL knows which it is."""

from urllib.parse import urlencode, urlsplit

from chalicelib.settings import settings


def url(path: str, **query: object) -> str:
    """The address of a path of ours, as this deployment is reached. Empty values are left out."""
    prefix = urlsplit(settings().public_url).path.rstrip("/")
    sent = {name: value for name, value in query.items() if value not in (None, "")}
    glue = "&" if "?" in path else "?"
    return prefix + path + (glue + urlencode(sent) if sent else "")


def origin() -> str:
    """Scheme and host, as browsers send them in Origin."""
    parts = urlsplit(settings().public_url)
    return f"{parts.scheme}://{parts.netloc}"


def own_path(address: str | None) -> str | None:
    """A path to go on to after signing in, if it is ours: never another site's."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not address.isprintable() or "\\" in address:
        return None
    return address
