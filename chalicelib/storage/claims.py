"""Table claims: unique names, each with the ID of its owner."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.errors import VersionConflict
from chalicelib.storage.reads import get
from chalicelib.storage.rows import Row
from chalicelib.storage.transactions import OnRefusal, Transaction


class Claim(Row):
    """A claim to a unique name. The key is that name, such as `email:ann@example.com`."""

    noun = "claims"

    name = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute()


def claim_name(tx: Transaction, name: str, owner: str, *, otherwise: OnRefusal) -> None:
    """Claim a name. Condition: nobody has claimed it."""
    tx.create(Claim(name, owner=owner), otherwise=otherwise)


def transfer_claim(tx: Transaction, claim: Claim, owner: str, *, otherwise: OnRefusal) -> None:
    """Transfer a claim to another owner. Condition: the claim has not changed since the read."""
    condition = claim.unchanged() & (Claim.owner == claim.owner)
    claim.owner = owner
    claim.version += 1
    tx.put(claim, condition=condition, otherwise=otherwise)


def release_name(tx: Transaction, name: str, owner: str) -> None:
    """Release a name. Does nothing if it is someone else's, which can happen in a damaged table."""
    if owner_of(name) == owner:
        tx.delete(Claim(name), condition=Claim.owner == owner, otherwise=VersionConflict())


def owner_of(name: str) -> str | None:
    found = get(Claim, name)
    return found.owner if found else None
