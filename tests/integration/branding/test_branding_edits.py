"""Edits of one document by several people under If-Match: none loses another's."""

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
    """Each person edits what they saw last. A write is carried out exactly if that is what
    there is, and then the document is what its writer meant."""
    account = people.reseller()
    path = "/v1/resellers/me/branding"
    kept: dict[str, str] = {}
    seen: dict[str, Any] = {
        who: ({}, account.api.get(path).headers["ETag"]) for who in ("ann", "bob")
    }
    for kind, who, field, number in steps:
        if kind == "read":
            reply = account.api.get(path)
            assert reply.json["own"] == kept
            seen[who] = reply.json["own"], reply.headers["ETag"]
            continue
        own, etag = seen[who]
        change = {field: None if number is None else VALUES[field][number]}
        meant = {k: v for k, v in {**own, **change}.items() if v is not None}
        body = meant if kind == "put" else change
        reply = account.api.call(kind.upper(), path, body, if_match=etag)
        if own != kept:
            assert reply.code == "version_conflict"
            assert account.api.get(path).json["own"] == kept
            continue
        assert reply.json["own"] == meant
        kept = meant
        seen[who] = meant, reply.headers["ETag"]
    assert account.api.get(path).json["own"] == kept
