"""Show rows by name instead of by ID."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chalicelib.http.requests import ID
from chalicelib.services.core import batch_reads
from chalicelib.web.shell.urls import url

if TYPE_CHECKING:
    from markupsafe import Markup

PREFIXES = ("usr_", "rsl_", "tnt_")


class Names:
    """The names of the given users, resellers, and tenants."""

    def __init__(self, values: Iterable[tuple[str | None, str | None]] = ()) -> None:
        """Look up the names. Each value is paired with the ID of the reseller it concerns.

        A value is an ID or the name of a claim. Any other value is ignored.
        """
        pairs = [
            (reseller, id)
            for reseller, value in values
            for id in (value or "").split(":")
            if ID.fullmatch(id)
        ]
        found = [id for _, id in pairs]
        self._names_and_paths: dict[str, tuple[str, str]] = {
            **{
                u.id: (u.email, f"/admin/users/{u.id}")
                for u in batch_reads.users_by_id(found).values()
            },
            **{
                r.id: (r.company_name, f"/admin/resellers/{r.id}")
                for r in batch_reads.resellers_by_id(found).values()
            },
            **{
                t.id: (t.name, f"/admin/resellers/{t.reseller_id}/tenants/{t.id}")
                for t in batch_reads.tenants_by_id(pairs).values()
            },
        }

    def of(self, id: str | None) -> str | None:
        """Return the name for an ID, or None if the ID is unknown."""
        return self._names_and_paths[id][0] if id in self._names_and_paths else None

    def path(self, id: str | None) -> str | None:
        """Return the path of the page for an ID, or None if the ID is unknown."""
        return self._names_and_paths[id][1] if id in self._names_and_paths else None

    def linked(self, value: str) -> "Markup":
        """Return a value with IDs as linked names. A claim's name has IDs between its colons."""
        from markupsafe import Markup

        return Markup(":").join(map(self._link, value.split(":")))

    def plain(self, value: str) -> str:
        """Return a value with names in place of IDs."""
        return ":".join(self.of(part) or part for part in value.split(":"))

    def _link(self, value: str) -> "Markup":
        from markupsafe import Markup, escape

        if value in self._names_and_paths:
            name, path = self._names_and_paths[value]
            return Markup('<a href="{}">{}</a>').format(url(path), name)
        if ID.fullmatch(value) and value.startswith(PREFIXES):
            return Markup('<code class="break">{}</code>').format(value)
        return escape(value)
