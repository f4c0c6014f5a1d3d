"""The words of messages on the admin pages, with names, links, amounts of money, and local times.

A message has the API's words unless `PAGE_WORDS` has others for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.domain.messages import MessageCode, Sentences, Value
from chalicelib.domain.money import money
from chalicelib.domain.wording import WORDS, fields, pieces, show
from chalicelib.settings import settings
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.shell.rendering import time_element, utc_time

if TYPE_CHECKING:
    from markupsafe import Markup

M = MessageCode

# Pages have labels for columns, and an input field where the API has a parameter.
PAGE_WORDS: Mapping[str, str] = {
    **WORDS,
    M.USED_DIFFERS: "Used is {used}, {holders:tenants_hold} a license, and the ledger adds up to "
    "{ledger}.",
    M.COUNT_DIFFERS: "Total Licenses is {count}, but allocations, purchases, and refunds add up to "
    "{explained}.",
    M.WHY_USED_MISMATCH: "If Used is too high, the reseller can't create tenants it has paid for. "
    "If it is too low, the reseller can create more tenants than it has licenses.",
    M.WHY_TENANT_HOLDS_WRONGLY: "Used counts the tenants that hold a license, so a wrong mark "
    "makes that count wrong.",
    M.DO_SET_USED: "Set Used to {holders}, the number of tenants that hold a license",
    M.DO_REVERT_COUNT: "Set Total Licenses back to {explained}",
    M.DO_MARK_HOLDING: "Mark it as holding a license",
    M.DO_MARK_NOT_HOLDING: "Mark it as holding none",
    M.DO_MOVE_TENANT: "Move it to the reseller named above, using one of its licenses",
    M.DO_LINK_OTHER_USER: "Link the user named above instead",
    M.USED_SET: "Used was {before} and is now {after}.",
    M.COUNT_ADOPTED: "Total Licenses stays {count}, which the ledger now explains.",
    M.COUNT_REVERTED: "Total Licenses was {before} and is now {after}.",
    M.COUNT_ALLOCATED: "Total Licenses is now {count}.",
    M.MARKED_HOLDING: "It is marked as holding a license now.",
    M.MARKED_NOT_HOLDING: "It is marked as holding none now.",
    M.REFUND_AMOUNT_CHANGED: "The refund would be {amount:money} now, not {shown:money}.",
}


def ids_in(sentences: Sentences) -> list[str]:
    """Return the IDs and claims that the sentences show by name, for looking up the names."""
    return [
        str(message.params[field])
        for message in sentences
        for field, kind in fields(PAGE_WORDS[message.code]).items()
        if kind == "id"
    ]


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of messages, with these names and amounts in this currency."""

    names: Names = field(default_factory=Names)
    currency: str = field(default_factory=lambda: settings().currency)

    def plain(self, sentences: Sentences) -> str:
        """Return the sentences as text, for attributes and for texts without links."""
        return " ".join("".join(pieces(PAGE_WORDS, each, self._plain)) for each in sentences)

    def linked(self, sentences: Sentences) -> "Markup":
        """Return the sentences as HTML, with linked names, and times in the reader's time zone."""
        from markupsafe import Markup

        parts = (Markup().join(pieces(PAGE_WORDS, each, self._linked)) for each in sentences)
        return Markup(" ").join(parts)

    def _plain(self, value: Value, kind: str) -> str:
        match value, kind:
            case int() as cents, "money":
                return money(cents, self.currency)
            case str() as id, "id":
                return self.names.plain(id)
            case str() as time, "time":
                return utc_time(time)
            case tuple() as items, "texts":
                return "; ".join(self.plain((each,)) for each in items)
        return show(value, kind)

    def _linked(self, value: Value, kind: str) -> str:
        from markupsafe import Markup

        match value, kind:
            case str() as id, "id":
                return self.names.linked(id)
            case str() as time, "time":
                return time_element(time)
            case tuple() as items, "texts":
                return Markup("; ").join(self.linked((each,)) for each in items)
        return self._plain(value, kind)
