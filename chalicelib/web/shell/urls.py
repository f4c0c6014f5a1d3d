"""The one place that builds the service's own addresses: API Gateway puts a stage before every
path, a custom domain does not, and PUBLIC_URL knows which it is."""

from urllib.parse import urlencode, urlsplit

from chalicelib.settings import settings


def url(path: str, **query: object) -> str:
    """The address of a path of ours, as this deployment is reached. Empty values are left out."""
    sent = {name: value for name, value in query.items() if value not in (None, "")}
    before, hash_sign, fragment = path.partition("#")
    glue = "&" if "?" in before else "?"
    asked = glue + urlencode(sent) if sent else ""
    return prefix() + before + asked + hash_sign + fragment


def prefix() -> str:
    """What stands before every path: `/api`, or nothing."""
    return urlsplit(settings().public_url).path.rstrip("/")


def without_prefix(path: str) -> str | None:
    """A path of ours as url() takes it; None for a path that is not ours."""
    if not path.startswith(prefix() + "/"):
        return None
    return path.removeprefix(prefix())


def is_own_origin(origin: str, host: str | None) -> bool:
    """Whether a page of ours sent it: at the public address, or at the host that was asked,
    where a custom domain leads here. Scheme and host, as browsers send them in Origin."""
    parts = urlsplit(settings().public_url)
    return origin == f"{parts.scheme}://{parts.netloc}" or (
        bool(host) and origin == f"{parts.scheme}://{host}"
    )


def own_path(address: str | None) -> str | None:
    """A path to go on to after signing in, if it is ours: never another site's."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or "\\" in address:
        return None
    if not address.isascii() or not address.isprintable():
        return None  # no address of ours is written so, and no header holds it
    return address
