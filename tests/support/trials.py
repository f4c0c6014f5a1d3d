"""Make one request again and again in the same situation, each time with a failure elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from infra.local.schedule import run_now
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.api import Reply
from tests.support.outages import STRIPE, Call, Fault, Outages, faults_for
from tests.support.page_client import PageResponse
from tests.support.states import Situation, State, difference

Response = Reply | PageResponse

# The status and the code of a response that says what failed.
BUSY, PROVIDER = (503, "busy"), (502, "payment_provider_unavailable")

# The tables that a scheduled run reports to.
REPORTS = {"reconciliations", "findings"}


@dataclass
class Outcome:
    """What a request did: its response, the rows and Stripe's objects afterward, and its calls."""

    response: Response
    state: State
    calls: list[Call]


@dataclass
class Trial:
    """`send` makes the request, in the situation that the trial was created in.

    `has_key` says that the request, made again, doesn't ask for its effect a second time.
    """

    stripe: StripeSimulator
    outages: Outages
    send: Callable[[], Response]
    has_key: bool = True

    def __post_init__(self) -> None:
        self._situation = Situation(self.stripe)
        self._before = self._situation.state()

    def problems(self) -> list[str]:
        """Make the request once without a failure, then with each failure that is possible."""
        normal = self._run()
        assert normal.response.status < 400, normal.response.text
        assert [call.site for call in normal.calls if not call.is_made_where_it_belongs] == []
        assert normal.state == self._before or any(call.is_write for call in normal.calls)
        return [
            f"call {position}, {call}, {fault}: {problem}"
            for position, call in enumerate(normal.calls)
            for fault in faults_for(call, position)
            if (problem := self._problem(normal, position, fault)) is not None
        ]

    def _run(self, position: int | None = None, fault: Fault = Fault.REFUSED) -> Outcome:
        self._situation.restore()
        return self._send(position, fault)

    def _send(self, position: int | None = None, fault: Fault = Fault.REFUSED) -> Outcome:
        with self.outages.watch(position, fault):
            response = self.send()
        return Outcome(response, self._situation.state(), self.outages.calls)

    def _problem(self, normal: Outcome, position: int, fault: Fault) -> str | None:
        """Return what is wrong after a failure, or None.

        The response is an error that says what failed, or the normal one. After an error, nothing
        has changed, or the reply was lost, or the same request completes what was begun. After the
        normal response, the hourly schedule completes what follows the change.
        """
        failed = self._run(position, fault)
        status, state = failed.response.status, failed.state
        succeeded = status == normal.response.status
        if not succeeded and (problem := _wrong_error(failed.response, normal.calls[position])):
            return problem
        if state == normal.state:
            was_told = succeeded or fault is Fault.REPLY_LOST or _shows_more(normal)
            is_change = state != self._before
            return None if was_told or not is_change else f"answered {status}, but it was done"
        is_outcome_unknown = fault is Fault.REPLY_LOST and not self.has_key
        if not succeeded and (state == self._before or is_outcome_unknown):
            return None
        if not succeeded or self.has_key:
            again = self._send().response.status
            if not succeeded and again != normal.response.status:
                return f"cannot be repeated: {again}"
        later, normally = self._state_later(), self._normally_later
        return None if later == normally else f"is never completed: {difference(later, normally)}"

    def _state_later(self) -> State:
        """Return the state after the next hourly run, without what the run itself reports."""
        run_now("reconcile")
        return {noun: rows for noun, rows in self._situation.state().items() if noun not in REPORTS}

    @cached_property
    def _normally_later(self) -> State:
        self._run()
        return self._state_later()


def _wrong_error(response: Response, call: Call) -> str | None:
    expected = PROVIDER if call.service == STRIPE else BUSY
    found = response.status, _code_of(response)
    return None if found == expected else f"answered {found}"


def _code_of(response: Response) -> str:
    """Return the error's code. A page doesn't show it, so it is the code that has the status."""
    if isinstance(response, Reply):
        return response.code
    assert response.headers["Content-Type"].startswith(("text/html", "text/plain"))
    return dict([BUSY, PROVIDER]).get(response.status, "")


def _shows_more(normal: Outcome) -> bool:
    """Return whether a form's response is not a redirect, but a page that shows a secret.

    The page is read after the change. If that fails, the same form shows the same secret.
    """
    return isinstance(normal.response, PageResponse) and normal.response.status == 200
