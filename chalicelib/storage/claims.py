"""Table claims: rows whose key is a unique name, and who owns it."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.errors import VersionConflict
from chalicelib.storage.reads import get
from chalicelib.storage.rows import Row
from chalicelib.storage.transactions import OnRefusal, Transaction


class Claim(Row):
    noun = "claims"

    name = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute()


def claim(tx: Transaction, name: str, owner: str, *, otherwise: OnRefusal) -> None:
    """Take a name that nobody has."""
    tx.create(Claim(name, owner=owner), otherwise=otherwise)


def take_over(
    tx: Transaction, name: str, owner: str, *, from_owner: str, otherwise: OnRefusal
) -> None:
    """Take a name that still is this other owner's, who has no right to it any more: see to
    that with a condition in the same transaction."""
    tx.put(Claim(name, owner=owner), condition=Claim.owner == from_owner, otherwise=otherwise)


def free(tx: Transaction, name: str, owner: str) -> None:
    """Give a name back. One that is another's by now (a damaged table) is left alone."""
    if owner_of(name) == owner:
        tx.delete(Claim(name), condition=Claim.owner == owner, otherwise=VersionConflict())


def owner_of(name: str) -> str | None:
    found = get(Claim, name)
    return found.owner if found else None
