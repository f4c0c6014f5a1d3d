"""Transaction steps that write claims, the simplest kind of row."""

from chalicelib.storage.claims import Claim, claim_name
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction


class Refused(Exception):
    """Raised with the name of the step whose condition failed."""


def put_claim(tx: Transaction, name: str) -> None:
    claim_name(tx, name, "me", otherwise=Refused(name))


def store_claim(name: str) -> Claim:
    tx = Transaction()
    put_claim(tx, name)
    tx.commit()
    found = get(Claim, name)
    assert found is not None
    return found


def change_owner(tx: Transaction, name: str, owner: str) -> None:
    condition = Claim.name.exists()
    tx.update(Claim(name), [Claim.owner.set(owner)], condition=condition, otherwise=Refused(name))
