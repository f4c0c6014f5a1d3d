"""Names in place of ids: what a sentence of the API says by id, a page says by name, linked."""

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
    """Those of the users, resellers and tenants that some texts mention."""

    def __init__(self, texts: Iterable[tuple[str | None, str | None]]) -> None:
        """texts: each with the reseller that it is about, whose tenants it may mention."""
        mentioned = [(reseller, id) for reseller, text in texts for id in ID.findall(text or "")]
        ids = [id for _, id in mentioned]
        self._found: dict[str, tuple[str, str]] = {
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
        """The name; None for what is not known."""
        return self._found[id][0] if id in self._found else None

    def path(self, id: str | None) -> str | None:
        """The page of it; None for what is not known."""
        return self._found[id][1] if id in self._found else None

    def plain(self, text: str) -> str:
        """The text with names in place of ids."""
        return ID.sub(lambda found: self.of(found[0]) or found[0], text)

    def linked(self, text: str) -> "Markup":
        """The same with links; times as everywhere."""
        from markupsafe import Markup

        parts: list[Markup] = []
        rest = 0
        for found in ID.finditer(text):
            parts.append(times_in_text(text[rest : found.start()]))
            parts.append(self._link(found[0]))
            rest = found.end()
        return Markup().join([*parts, times_in_text(text[rest:])])

    def _link(self, id: str) -> "Markup":
        from markupsafe import Markup

        if id not in self._found:
            return Markup('<code class="break">{}</code>').format(id)
        name, path = self._found[id]
        return Markup('<a href="{}">{}</a>').format(url(path), name)
