"""Pages have words for every status, state, and code of this release, and for unknown ones."""

import importlib
from enum import StrEnum

import pytest

from chalicelib.domain import purchases
from chalicelib.domain.ledger import Kind
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.web.shell.words import domain_status, ledger_words, purchase_status
from tests.support.source_layout import PACKAGE, module_of


def tables_of_words() -> dict[str, tuple[type[StrEnum], set[StrEnum]]]:
    """Return each dict of the pages whose keys belong to one enum, by its name."""
    found = {}
    for source in (PACKAGE / "web").rglob("*.py"):
        module = importlib.import_module(module_of(source))
        for name, value in vars(module).items():
            if isinstance(value, dict) and len(kinds := {type(key) for key in value}) == 1:
                (kind,) = kinds
                if issubclass(kind, StrEnum):
                    found[f"{module.__name__}.{name}"] = (kind, set(value))
    return found


@pytest.mark.parametrize("name", tables_of_words())
def test_every_member_of_an_enum_has_words(name: str) -> None:
    """Except the scope `session`, which no key can have."""
    kind, named = tables_of_words()[name]
    assert named | {"session"} >= set(kind)


@pytest.mark.parametrize("status", purchases.Status)
def test_a_purchase_status_has_words(status: str) -> None:
    assert purchase_status(status)[0]


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_of_ledger_entry_has_a_sentence(kind: str) -> None:
    entry = LedgerEntry(kind=kind, count_change=-1, ref="tnt_1")
    symbol, sentence = ledger_words(entry, {"tnt_1": "Bakery"}, " to you")
    assert symbol != "dot"
    assert sentence in {
        *("1 license allocated to you", "1 license taken back", "Purchased 1 license"),
        *("Refund of 1 license", "1 license held by a payment dispute"),
        *("1 license returned after a dispute", "Used licenses corrected to match the tenants"),
        *(f"Bakery {done}" for done in ("created", "restored", "reactivated")),
        *(f"Bakery {done}" for done in ("deactivated", "deleted")),
    }


def test_a_kind_of_a_later_release_is_shown_as_it_is() -> None:
    assert ledger_words(LedgerEntry(kind="gift_{0}"), {}) == ("dot", "Gift {0}")


def test_a_status_of_a_later_release_is_shown_as_it_is() -> None:
    assert purchase_status("on_hold") == ("On hold", "")
    assert domain_status("transferring") == ("Transferring", "")
    assert purchase_status("pending") != domain_status("pending")
