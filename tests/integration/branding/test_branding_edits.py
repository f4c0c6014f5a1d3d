"""Concurrent edits of one document with If-Match never overwrite each other."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.people import People

FIELDS = ("product_name", "primary_color", "support_url")
VALUES = {
    "product_name": ("One", "Two"),
    "primary_color": ("#111111", "#222222"),
    "support_url": ("https://one.example", "https://two.example"),
}
PEOPLE = st.sampled_from(("ann", "bob"))
READS = st.tuples(st.just("read"), PEOPLE, st.none(), st.none())
WRITES = st.tuples(
    st.sampled_from(("put", "patch")),
    PEOPLE,
    st.sampled_from(FIELDS),
    st.sampled_from((0, 1, None)),
)


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(READS | WRITES, min_size=4, max_size=12))
def test_no_edit_is_lost(people: People, steps: list[Any]) -> None:
    """Each person edits the version that they last read.

    A write succeeds if and only if that version is still current.
    """
    account = people.reseller()
    path = "/v1/resellers/me/branding"
    current: dict[str, str] = {}
    last_read: dict[str, Any] = {
        who: ({}, account.api.get(path).headers["ETag"]) for who in ("ann", "bob")
    }
    for kind, who, field, number in steps:
        if kind == "read":
            reply = account.api.get(path)
            assert reply.json["own"] == current
            last_read[who] = reply.json["own"], reply.headers["ETag"]
            continue
        own, etag = last_read[who]
        change = {field: None if number is None else VALUES[field][number]}
        intended = {k: v for k, v in {**own, **change}.items() if v is not None}
        body = intended if kind == "put" else change
        reply = account.api.call(kind.upper(), path, body, if_match=etag)
        if own != current:
            assert reply.code == "version_conflict"
            assert account.api.get(path).json["own"] == current
            continue
        assert reply.json["own"] == intended
        current = intended
        last_read[who] = intended, reply.headers["ETag"]
    assert account.api.get(path).json["own"] == current
