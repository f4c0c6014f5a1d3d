"""Statements for accounting, and a reseller's diagnosis."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from chalicelib import clock
from chalicelib.api.csv import Csv
from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Output, Query, Time
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
from chalicelib.domain.statements import Period, parse_month
from chalicelib.services.reporting import diagnosis, statements
from chalicelib.services.reporting.diagnosis import Diagnosis
from chalicelib.services.reporting.statements import PurchaseMoney, Statement

routes = Routes(__name__)

Moment = datetime | date


class StatementQuery(Query):
    """from, to: dates, or moments in ISO 8601; `to` is not part of the period. month:
    `2026-11`, in place of both. Without any of them: this month."""

    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    month: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None

    @model_validator(mode="after")
    def _one_period(self) -> "StatementQuery":
        if self.month is not None and (self.from_ is not None or self.to is not None):
            raise ValueError("Send either month, or from and to.")
        if self.month is not None and not "1970" <= self.month < "9999":
            raise ValueError("Ask for a month since 1970.")
        both = self.from_ is not None and self.to is not None
        if both and _moment(self.from_) >= _moment(self.to):
            raise ValueError("`from` must be before `to`.")
        return self

    def period(self) -> Period:
        now = clock.now()
        if self.from_ is None and self.to is None:
            return parse_month(self.month or f"{now:%Y-%m}")
        end = _moment(self.to) if self.to else now + timedelta(seconds=1)
        start = _moment(self.from_)
        return Period(start, max(start, end))


def _moment(value: Moment | None) -> datetime:
    if value is None:
        return datetime(1970, 1, 1, tzinfo=UTC)
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class LicenseLines(Output):
    """opening + purchased + allocated + reinstated + synced - revoked - refunded - disputed
    = closing."""

    opening: int
    purchased: int
    allocated: int
    reinstated: int
    synced: int
    revoked: int
    refunded: int
    disputed: int
    closing: int


class MoneyLines(Output):
    """Integer cents booked in the period. gross - refunded - disputed = net. disputed: held by
    the buyer's bank; negative where it gave back more than it took."""

    gross: int
    refunded: int
    disputed: int
    net: int


class BookedPurchase(Output):
    """A purchase as it stands now, but for the amounts: those were booked in the period."""

    id: str
    paid_at: Time | None
    quantity: int
    unit_amount: int
    currency: str
    status: str
    licenses_granted: int
    amount_paid: int
    amount_refunded: int
    amount_disputed: int
    invoice_url: str | None
    receipt_url: str | None


class StatementOutput(Output):
    """money: by currency. purchases: those whose money moved in the period."""

    reseller_id: str
    company_name: str
    from_: Annotated[Time, Field(serialization_alias="from")]
    to: Time
    licenses: LicenseLines
    money: dict[str, MoneyLines]
    purchases: list[BookedPurchase]


class CheckOutput(Output):
    """next_step: what to do where it did not pass."""

    check: str
    question: str
    passed: bool
    evidence: str
    next_step: str | None


class DiagnosisOutput(Output):
    """can_create_tenants: whether everything that it takes passed. message: all of it in words
    that can be sent to the reseller."""

    reseller_id: str
    can_create_tenants: bool
    checks: list[CheckOutput]
    message: str


@routes.get(
    "/v1/resellers/{reseller}/statement", Audience.RESELLER, Scope.READ, returns=StatementOutput
)
def read_statement(call: Call[StatementQuery]) -> dict[str, object] | Csv:
    """Licenses and money of a period; as CSV for `Accept: text/csv`."""
    period = call.input.period()
    reseller = call.reseller
    if call.wants_csv:
        name = f"statement-{reseller.slug}-{period.start:%Y-%m-%d}.csv"
        return Csv(name, statements.COLUMNS, statements.statement_lines(reseller, period))
    return _shown(statements.build_statement(reseller, period))


def _shown(made: Statement) -> dict[str, object]:
    return {
        "reseller_id": made.reseller.id,
        "company_name": made.reseller.company_name,
        "from_": made.period.start,
        "to": made.period.end,
        "licenses": made.licenses,
        "money": made.money,
        "purchases": [_booked(booked) for booked in made.purchases],
    }


def _booked(booked: PurchaseMoney) -> dict[str, object]:
    money = booked.money
    return {
        **booked.purchase.attribute_values,
        "amount_paid": money.gross,
        "amount_refunded": money.refunded,
        "amount_disputed": money.disputed,
    }


@routes.get(
    "/v1/resellers/{reseller}/diagnosis", Audience.RESELLER, Scope.READ, returns=DiagnosisOutput
)
def diagnose(call: Call[Empty]) -> Diagnosis:
    """Why can't it create tenants? The checklist, with evidence and next steps."""
    return diagnosis.diagnose(call.reseller)
