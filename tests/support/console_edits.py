"""Damage that someone could cause by editing rows in the AWS console.

Each kind of damage edits individual rows. A number selects the row and the value, so Hypothesis can
generate histories and damage from integers.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chalicelib.domain.purchases import Status
from chalicelib.services.reconciliation.name_checks import key_of
from chalicelib.storage.claims import Claim
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, new_id
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User
from infra.local import table_edits

T = TypeVar("T")


class ConsoleEditor:
    """Damages rows, except those that belong to the `spared` accounts.

    `touched` collects the keys of damaged rows and of the rows that depend on them.
    """

    def __init__(self, spared: frozenset[str]) -> None:
        self.touched: set[tuple[str, ...]] = set()
        self._spared = spared

    def damage(self, kind: str, number: int) -> None:
        """Cause one kind of damage. If there is no suitable row, do nothing."""
        DAMAGE[kind](self, number)

    def pick(self, model: type[Any], number: int) -> Any:
        rows = [row for row in model.scan(consistent_read=True) if not self._is_spared(row)]
        if not rows:
            return None
        row = sorted(rows, key=key_of)[number % len(rows)]
        self.touch(row)
        return row

    def touch(self, row: Row) -> None:
        self.touched.add((row.noun, *key_of(row)))
        for claim in Claim.scan(consistent_read=True):
            if claim.owner == key_of(row)[-1]:
                self.touched.add((claim.noun, claim.name))

    def _is_spared(self, row: Row) -> bool:
        ids = {getattr(row, name, None) for name in ("id", "reseller_id", "user_id", "owner")}
        return bool(ids & self._spared)


def _edit(
    model: type[Row], **columns: Callable[[Any, int], Any]
) -> Callable[[ConsoleEditor, int], None]:
    def edit(editor: ConsoleEditor, number: int) -> None:
        row = editor.pick(model, number)
        if row is not None:
            values = {name: value(row, number) for name, value in columns.items()}
            table_edits.edit(row, **values)

    return edit


def _remove(model: type[Row]) -> Callable[[ConsoleEditor, int], None]:
    def remove(editor: ConsoleEditor, number: int) -> None:
        row = editor.pick(model, number)
        if row is not None:
            table_edits.remove(row)

    return remove


def _duplicate(model: type[Row], **key: str) -> Callable[[ConsoleEditor, int], None]:
    """Copy a row under a new key. `key` maps the columns to change to the new IDs' prefixes."""

    def duplicate(editor: ConsoleEditor, number: int) -> None:
        row = editor.pick(model, number)
        if row is not None:
            table_edits.duplicate(row, **{name: new_id(prefix) for name, prefix in key.items()})

    return duplicate


def _one_of(choices: Sequence[T]) -> Callable[[Any, int], T]:
    return lambda _row, number: choices[number % len(choices)]


def _lose_reseller(editor: ConsoleEditor, number: int) -> None:
    reseller = editor.pick(Reseller, number)
    if reseller is None:
        return
    for model in (Tenant, Purchase, LedgerEntry):
        for row in model.query(reseller.id, consistent_read=True):
            editor.touch(row)
    editor.touch(User(reseller.user_id))
    table_edits.remove(reseller)


def _lose_user(editor: ConsoleEditor, number: int) -> None:
    user = editor.pick(User, number)
    if user is not None and user.reseller_id is not None:
        editor.touch(Reseller(user.reseller_id))
        table_edits.remove(user)


def _unlink_user(editor: ConsoleEditor, number: int) -> None:
    user = editor.pick(User, number)
    if user is not None and user.reseller_id is not None:
        editor.touch(Reseller(user.reseller_id))
        table_edits.edit(user, reseller_id=None)


DAMAGE: dict[str, Callable[[ConsoleEditor, int], None]] = {
    "license_used": _edit(Reseller, license_used=lambda _, n: n % 9),
    "license_count": _edit(Reseller, license_count=lambda _, n: n % 30),
    "lost tenant": _remove(Tenant),
    "tenant twice": _duplicate(Tenant, id="tnt"),
    "tenant of nobody": _duplicate(Tenant, reseller_id="rsl", id="tnt"),
    "holds_license": _edit(Tenant, holds_license=lambda row, _: not row.holds_license),
    "is_active": _edit(Tenant, is_active=lambda row, _: not row.is_active),
    "tenant slug": _edit(Tenant, slug=_one_of(["t0", "t1", "renamed"])),
    "reseller slug": _edit(Reseller, slug=_one_of(["company-1", "company-2", "renamed"])),
    "lost claim": _remove(Claim),
    "claim of another": _edit(Claim, owner=_one_of(["tnt_gone", "usr_gone", "rsl_gone"])),
    "lost entry": _remove(LedgerEntry),
    "entry twice": _duplicate(LedgerEntry, id="led"),
    "entry edited": _edit(LedgerEntry, count_change=lambda _, n: n % 12),
    "lost purchase": _remove(Purchase),
    "purchase twice": _duplicate(Purchase, id="pur"),
    "forged status": _edit(Purchase, status=_one_of(list(Status))),
    "forged grant": _edit(Purchase, licenses_granted=lambda _, n: n % 12),
    "hidden purchase": _edit(Purchase, unsettled=lambda *_: None),
    "lost reseller": _lose_reseller,
    "reseller twice": _duplicate(Reseller, id="rsl"),
    "lost user": _lose_user,
    "unlinked user": _unlink_user,
    "user twice": _duplicate(User, id="usr"),
}
