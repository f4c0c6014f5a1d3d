"""Replace the IDs in API messages with linked names."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chalicelib.services.core import batch_reads
from chalicelib.web.shell.rendering import times_in_text
from chalicelib.web.shell.urls import url

if TYPE_CHECKING:
    from markupsafe import Markup

ID = re.compile(r"\b(?:usr|rsl|tnt)_[0-9A-Z]{26}\b")


class Names:
    """The names of the users, resellers, and tenants whose IDs appear in the given texts."""

    def __init__(self, texts: Iterable[tuple[str | None, str | None]]) -> None:
        """Look up the names. Each text is paired with the ID of the reseller it concerns."""
        mentioned = [(reseller, id) for reseller, text in texts for id in ID.findall(text or "")]
        ids = [id for _, id in mentioned]
        self._names_and_paths: dict[str, tuple[str, str]] = {
            **{
                u.id: (u.email, f"/admin/users/{u.id}")
                for u in batch_reads.users_by_id(ids).values()
            },
            **{
                r.id: (r.company_name, f"/admin/resellers/{r.id}")
                for r in batch_reads.resellers_by_id(ids).values()
            },
            **{
                t.id: (t.name, f"/admin/resellers/{t.reseller_id}/tenants/{t.id}")
                for t in batch_reads.tenants_by_id(mentioned).values()
            },
        }

    def of(self, id: str | None) -> str | None:
        """Return the name for an ID, or None if the ID is unknown."""
        return self._names_and_paths[id][0] if id in self._names_and_paths else None

    def path(self, id: str | None) -> str | None:
        """Return the path of the page for an ID, or None if the ID is unknown."""
        return self._names_and_paths[id][1] if id in self._names_and_paths else None

    def plain(self, text: str) -> str:
        """Return the text with IDs replaced by names."""
        return ID.sub(lambda match: self.of(match[0]) or match[0], text)

    def linked(self, text: str) -> "Markup":
        """Return the text with IDs replaced by linked names, and with times formatted."""
        from markupsafe import Markup

        parts: list[Markup] = []
        rest = 0
        for match in ID.finditer(text):
            parts.append(times_in_text(text[rest : match.start()]))
            parts.append(self._link(match[0]))
            rest = match.end()
        return Markup().join([*parts, times_in_text(text[rest:])])

    def _link(self, id: str) -> "Markup":
        from markupsafe import Markup

        if id not in self._names_and_paths:
            return Markup('<code class="break">{}</code>').format(id)
        name, path = self._names_and_paths[id]
        return Markup('<a href="{}">{}</a>').format(url(path), name)
