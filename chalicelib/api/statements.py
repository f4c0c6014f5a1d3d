"""Statements for accounting, and a diagnosis for a reseller account."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from chalicelib import clock
from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.domain.statements import FIRST_DAY, LAST_DAY, Period, parse_month
from chalicelib.domain.wording import lines_of, text_of
from chalicelib.http.csv import Csv
from chalicelib.http.fields import Month, Output, Query, Time, Words
from chalicelib.http.requests import Call, Empty
from chalicelib.services.reporting import diagnosis, statements
from chalicelib.services.reporting.diagnosis import Diagnosis
from chalicelib.services.reporting.statements import PurchaseMoney, Statement

routes = Routes(__name__)

DateOrTime = datetime | date


class StatementQuery(Query):
    """The period of a statement. Defaults to the current month."""

    from_: DateOrTime | None = Field(
        None, alias="from", description="The start of the period: a date or an ISO 8601 time."
    )
    to: DateOrTime | None = Field(None, description="The end of the period (exclusive).")
    month: Month | None = Field(
        None, description="A month in UTC, such as `2026-11`, instead of `from` and `to`."
    )

    @model_validator(mode="after")
    def _check_period(self) -> "StatementQuery":
        if self.month is not None and (self.from_ is not None or self.to is not None):
            raise ValueError("Send either month, or from and to.")
        first, last = f"{FIRST_DAY:%Y-%m}", f"{LAST_DAY:%Y-%m}"
        if self.month is not None and not first <= self.month <= last:
            raise ValueError(f"Choose a month in {FIRST_DAY.year} or later.")
        both = self.from_ is not None and self.to is not None
        if both and _to_datetime(self.from_) >= _to_datetime(self.to):
            raise ValueError("`from` must be before `to`.")
        return self

    def period(self) -> Period:
        now = clock.now()
        if self.from_ is None and self.to is None:
            return parse_month(self.month or f"{now:%Y-%m}")
        end = _to_datetime(self.to) if self.to else now + timedelta(seconds=1)
        start = _to_datetime(self.from_)
        return Period(start, max(start, end))


def _to_datetime(value: DateOrTime | None) -> datetime:
    value = FIRST_DAY if value is None else value
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class LicenseLines(Output):
    """How the number of licenses owned changed from the opening to the closing balance.

    closing = opening + purchased + allocated + reinstated + synced - revoked - refunded - disputed
    """

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
    """Amounts booked in the period, in integer cents: net = gross - refunded - disputed."""

    gross: int
    refunded: int
    disputed: int = Field(
        description="Net amount withdrawn by the buyer's bank; negative if it returned more."
    )
    net: int


class BookedPurchase(Output):
    """A purchase in its current state, with the amounts that were booked in the period."""

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
    reseller_id: str
    company_name: str
    from_: Annotated[Time, Field(serialization_alias="from")]
    to: Time
    licenses: LicenseLines
    money: dict[str, MoneyLines] = Field(description="The amounts by currency.")
    purchases: list[BookedPurchase] = Field(
        description="The purchases with amounts booked in the period."
    )


class CheckOutput(Output):
    check: str
    question: Words
    passed: bool
    evidence: Words
    next_step: Annotated[str | None, BeforeValidator(lambda step: step and text_of(step))] = Field(
        description="What to do if the check failed; null if it passed."
    )


class DiagnosisOutput(Output):
    reseller_id: str
    can_create_tenants: bool
    checks: list[CheckOutput]
    message: Annotated[str, BeforeValidator(lines_of)] = Field(
        description="The result as a message that can be sent to the reseller."
    )


@routes.get(
    "/v1/resellers/{reseller}/statement", Audience.RESELLER, Scope.READ, returns=StatementOutput
)
def read_statement(call: Call[StatementQuery]) -> dict[str, object] | Csv:
    """Get a statement of licenses and money for a period.

    With `Accept: text/csv`, returns every change as a line of CSV.
    """
    period = call.input.period()
    reseller = call.reseller
    if call.wants_csv:
        name = f"statement-{reseller.slug}-{period.start:%Y-%m-%d}.csv"
        return Csv(name, statements.COLUMNS, statements.statement_lines(reseller, period))
    return _statement_document(statements.build_statement(reseller, period))


def _statement_document(statement: Statement) -> dict[str, object]:
    return {
        "reseller_id": statement.reseller.id,
        "company_name": statement.reseller.company_name,
        "from_": statement.period.start,
        "to": statement.period.end,
        "licenses": statement.licenses,
        "money": statement.money,
        "purchases": [_purchase_document(booked) for booked in statement.purchases],
    }


def _purchase_document(booked: PurchaseMoney) -> dict[str, object]:
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
    """Diagnose why a reseller cannot create tenants.

    Runs a checklist and returns the evidence and the next step for each check.
    """
    return diagnosis.diagnose(call.reseller)
