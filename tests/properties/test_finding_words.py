"""Whatever the facts, a finding has words on both surfaces, and its row keeps its messages."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.findings import Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.purchases import PaymentFacts, Quoted, Status, payment_mismatch
from chalicelib.domain.reconciliation import (
    PoolFacts,
    PurchaseFacts,
    TenantFacts,
    holding_finding,
    pool_findings,
    purchase_finding,
)
from chalicelib.domain.wording import text_of
from chalicelib.storage.findings import FindingRow, finding_row
from chalicelib.storage.purchases import Purchase
from chalicelib.web.admin_shell.wording import Wording

NOW = datetime(2026, 11, 20, tzinfo=UTC)
counts = st.integers(0, 3)
cents = st.integers(0, 3).map(lambda number: number * 2_500)
names = st.text(max_size=20)  # with braces, quotes, and markup
reasons = st.builds(
    payment_mismatch,
    st.builds(Quoted, counts, cents, st.sampled_from(["usd", "eur"]), st.booleans()),
    st.builds(
        PaymentFacts,
        session_status=st.just("complete"),
        payment_status=st.just("paid"),
        currency=st.just("usd"),
        livemode=st.booleans(),
        quantity=counts,
        amount_subtotal=cents,
        amount_discount=st.just(0),
        amount_tax=cents,
        amount_total=cents,
        amount_received=cents,
    ),
)
overdue = st.one_of(
    st.just(()),
    reasons.map(lambda each: say(MessageCode.PAYMENT_DIFFERS) + each),
    st.just(say(MessageCode.EXPIRED_UNNOTICED, at="2026-11-19T11:00:00.000Z")),
)
pools = st.builds(PoolFacts, st.just("rsl_1"), counts, counts, counts, counts, counts)
purchases = st.builds(
    PurchaseFacts,
    id=st.just("pur_1"),
    reseller_id=st.just("rsl_1"),
    status=st.sampled_from(Status),
    granted=counts,
    credited=counts,
    worth=st.none() | counts,
    stripe_status=st.none() | st.sampled_from(Status),
    overdue=overdue,
    wrong_session=st.booleans(),
    paid_elsewhere=cents,
)
tenants = st.builds(
    TenantFacts,
    id=st.just("tnt_1"),
    reseller_id=st.just("rsl_1"),
    name=names,
    is_active=st.booleans(),
    is_deleted=st.booleans(),
    holds_license=st.booleans(),
)


def check(found: Finding) -> None:
    row = stored(found)
    assert row.sentences("what") == found.what
    assert row.sentences("why") == found.why
    assert row.action_sentences == found.actions
    assert row.what == text_of(found.what)
    for sentences in (found.what, found.why, *found.actions.values()):
        assert text_of(sentences).strip()
        assert Wording().plain(sentences).strip()
        assert "<script" not in Wording().linked(sentences)


def stored(found: Finding) -> FindingRow:
    written = finding_row(found, "rec_1", NOW)
    return FindingRow.from_raw_data(written.serialize())


@settings(deadline=None, database=None)
@given(pools, st.integers(-3, 3))
def test_findings_about_a_pool(pool: PoolFacts, drift: int) -> None:
    for found in pool_findings(pool, drift):
        check(found)


@settings(deadline=None, database=None)
@given(purchases)
def test_findings_about_a_purchase(purchase: PurchaseFacts) -> None:
    found = purchase_finding(purchase)
    if found is not None:
        check(found)


@settings(deadline=None, database=None)
@given(tenants)
def test_findings_about_a_tenant(tenant: TenantFacts) -> None:
    found = holding_finding(tenant)
    if found is not None:
        check(found)


@settings(deadline=None, database=None)
@given(reasons)
def test_reasons_of_a_purchase(why: Sentences) -> None:
    row = Purchase("rsl_1", "pur_1")
    for column, value in row.reason_columns(why).items():
        setattr(row, column, value)
    assert row.reasons == why
    assert row.status_reason == (text_of(why) or None)
