"""Messages in rows.

A row has the words of a text in a column of its own, which people read in the AWS console and the
API answers. The column `messages` maps the name of that column to the sentences, with their codes
and parameters, from which pages make their own words.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TypedDict

from chalicelib.domain.messages import Message, MessageCode, Sentences, Value, verbatim
from chalicelib.domain.wording import WORDS, fields, text_of


class Entry(TypedDict):
    """A stored sentence. A later release can have added fields."""

    code: str
    params: dict[str, Value]
    words: str


Stored = Mapping[str, list[Entry]]
"""The column `messages`."""


def with_sentences(
    messages: Stored | None, texts: Mapping[str, Sentences]
) -> dict[str, list[Entry]] | None:
    """Return the column `messages` with these texts in place of those with the same names."""
    kept = {name: entries for name, entries in (messages or {}).items() if name not in texts}
    coded = {name: text for name, text in texts.items() if _has_codes(text)}
    return {**kept, **{name: list(map(_entry, text)) for name, text in coded.items()}} or None


def _has_codes(text: Sentences) -> bool:
    """Return whether there is more to store than the words."""
    return any(message.code != MessageCode.VERBATIM for message in text)


def _entry(message: Message) -> Entry:
    words = text_of((message,))
    return {"code": str(message.code), "params": dict(message.params), "words": words}


def read_sentences(messages: Stored | None, name: str, words: str | None) -> Sentences:
    """Return the sentences of a column whose stored words are `words`.

    The words win if they are not those of the entries: an older release or a person has changed
    them since, without changing `messages`. An entry's own words win if a later release has added
    its code or changed its parameters.
    """
    entries = (messages or {}).get(name) or []
    if not words or " ".join(entry["words"] for entry in entries) != words:
        return verbatim(words or "")
    return tuple(chain.from_iterable(map(_sentence, entries)))


def with_entry(messages: Stored | None, name: str, message: Message) -> dict[str, list[Entry]]:
    """Return the column `messages` with a sentence added to a list of them."""
    entries = (messages or {}).get(name) or []
    return {**(messages or {}), name: [*entries, _entry(message)]}


def read_list(messages: Stored | None, name: str, words: Sequence[str]) -> Sentences:
    """Return a list of sentences, whose words are in a column of their own.

    Words without an entry were added by an older release.
    """
    entries = {entry["words"]: entry for entry in (messages or {}).get(name) or []}
    found = (_sentence(entries[each]) if each in entries else verbatim(each) for each in words)
    return tuple(chain.from_iterable(found))


def _sentence(entry: Entry) -> Sentences:
    template = WORDS.get(entry["code"])
    if template is None or not fields(template).keys() <= entry["params"].keys():
        return verbatim(entry["words"])
    return (Message(entry["code"], entry["params"]),)
