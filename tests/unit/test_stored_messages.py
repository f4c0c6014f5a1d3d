"""Messages in rows of this release, of an older and a later one, and in rows that were edited."""

from typing import Any

import pytest

from chalicelib.domain.messages import MessageCode, Sentences, say, verbatim
from chalicelib.domain.wording import text_of
from chalicelib.storage.messages import (
    Entry,
    Stored,
    read_list,
    read_sentences,
    with_entry,
    with_sentences,
)
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.rows import Document

TWO = say(MessageCode.OTHER_AMOUNT, paid=7_500, quoted=6_000) + say(
    MessageCode.PAID_SEVERAL_TIMES, times=3, sessions=["cs_1", "cs_2"]
)
WORDS = text_of(TWO)
LATER: Entry = {"code": "next", "params": {}, "words": "Next."}


def stored(messages: Any) -> Any:
    """Return the column as DynamoDB gives it back."""
    column = Document()
    return column.deserialize(column.serialize(messages))


def read(messages: Any, words: str | None = WORDS) -> Sentences:
    return read_sentences(messages, "status_reason", words)


def test_sentences_are_read_as_they_were_written() -> None:
    messages = stored(with_sentences(None, {"status_reason": TWO}))
    assert read(messages) == TWO
    assert read_sentences(messages, "outcome", "Another column") == verbatim("Another column")


@pytest.mark.parametrize("messages", [None, {}, {"status_reason": []}])
def test_a_row_of_an_older_release_has_only_words(messages: Any) -> None:
    assert read(messages) == verbatim(WORDS)


def test_the_words_win_if_only_they_were_changed() -> None:
    """By a person, or by an older release, which keeps the column that it doesn't know."""
    messages = with_sentences(None, {"status_reason": TWO})
    assert read(messages, "Agreed by phone.") == verbatim("Agreed by phone.")
    assert read(messages, None) == ()


def test_a_sentence_that_only_a_later_release_knows_has_its_words() -> None:
    messages = stored(with_sentences(None, {"status_reason": TWO}))
    first, second = messages["status_reason"]
    messages["status_reason"] = [
        first | {"code": "paid_in_shells"},
        second | {"params": {"count": 3}},
    ]
    assert read(messages) == verbatim(text_of(TWO[:1])) + verbatim(text_of(TWO[1:]))
    messages["status_reason"] = [
        first | {"next": 1},
        second | {"params": {**second["params"], "next": 1}},
    ]
    assert text_of(read(messages)) == WORDS


def test_writing_one_text_keeps_the_others() -> None:
    """Those of a column that only a later release has, too."""
    messages: Stored = {"next": [LATER]}
    both = with_sentences(messages, {"status_reason": TWO})
    assert both is not None
    assert read(both) == TWO
    assert with_sentences(both, {"status_reason": ()}) == messages
    assert with_sentences(None, {"status_reason": ()}) is None


def test_verbatim_words_need_no_messages() -> None:
    """So a row of an older release is not written again only to add them."""
    assert with_sentences(None, {"status_reason": read(None)}) is None
    assert verbatim("") == ()


def test_a_list_of_sentences_can_be_continued_by_every_release() -> None:
    """An older release adds words only, and a later one sentences that this one doesn't know."""
    (failed,) = say(MessageCode.CHECK_FAILED, row="pur_1")
    (busy,) = say(MessageCode.TOO_BUSY_TO_CHECK, reseller="rsl_1")
    messages = with_entry({"notes": [LATER]}, "notes", failed)
    assert messages["notes"][0] == LATER
    words = ["Old.", "Next.", text_of((failed,))]
    assert read_list(messages, "notes", words) == (*verbatim("Old."), *verbatim("Next."), failed)
    assert read_list(with_entry(None, "notes", busy), "notes", [text_of((busy,))]) == (busy,)
    assert read_list(None, "notes", ["Old."]) == verbatim("Old.")


def test_the_same_reasons_change_no_column() -> None:
    """So a row of an older or a later release is written only if its reasons change."""
    for messages in (
        None,
        {"status_reason": [LATER]},
        with_sentences(None, {"status_reason": TWO}),
    ):
        words = " ".join(entry["words"] for entry in (messages or {}).get("status_reason", []))
        row = Purchase("rsl_1", "pur_1", status_reason=words or "Old.", messages=messages)
        columns = {"status_reason": row.status_reason, "messages": messages}
        assert row.reason_columns(row.reasons) == columns
        assert row.reason_columns(()) == {"status_reason": None, "messages": None}
