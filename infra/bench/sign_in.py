"""`python -m infra.bench.sign_in`: is an unknown email refused as slowly as a known one?

Each round refuses one of each, in random order, one right after the other, so that whatever
else the machine does weighs on both; each account is tried once, so that no lockout comes in
between. What is measured is the processor time of the service's own work. The emulator of the
database is in this process, but not counted: what a row costs in it is not what it costs in
DynamoDB.

The rule: noise is what the medians of two handfuls of tries of the same, known email differ by
in every other case; a handful is as many tries as the lockout leaves free. The difference of
the two kinds, the median of the rounds' differences, must be smaller: then whoever spends all
tries on an email learns no more of it than a coin would tell. How sure the difference is, the
99 % interval of the order statistics says beside it: it takes no distribution for granted, and
a busy machine makes it wider, not wrong.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.aws import create_tables, local_aws, set_environment

ROUNDS = 300
WARM_UP = 10
HANDFULS = 2_000
# Standard deviations on either side that hold 99 % of a normal distribution.
SURE = statistics.NormalDist().inv_cdf(0.995)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the 99 % interval about it, in milliseconds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        ordered = sorted(values)
        middle, reach = len(ordered) / 2, SURE * len(ordered) ** 0.5 / 2
        first, last = int(middle - reach), min(int(middle + reach), len(ordered) - 1)
        return cls(ordered[max(first, 0)], statistics.median(ordered), ordered[last])

    def __str__(self) -> str:
        return f"{self.median:+.3f} ms, between {self.low:+.3f} and {self.high:+.3f}"


def main(rounds: int = ROUNDS) -> bool:
    """Whether the two are within noise."""
    set_environment()
    with local_aws(), emulator_timed():
        create_tables()
        taken = measure(rounds)
    report("known email", [known for known, _ in taken])
    report("unknown email", [unknown for _, unknown in taken])
    differences = Spread.of([unknown - known for known, unknown in taken])
    noise = noise_of([known for known, _ in taken])
    is_noise = abs(differences.median) < noise
    print(f"difference     {differences} (99 %)")
    print(f"noise          {noise:.3f} ms: {'within' if is_noise else 'NOT WITHIN'} noise")
    return is_noise


def noise_of(taken: Sequence[float]) -> float:
    """What the medians of two handfuls of the same kind differ by, in every other case."""
    from chalicelib.domain.lockout import ACCOUNT

    def handful() -> float:
        return statistics.median(random.choices(taken, k=ACCOUNT.free))

    return statistics.median(abs(handful() - handful()) for _ in range(HANDFULS))


def measure(rounds: int) -> list[tuple[float, float]]:
    """Milliseconds of a refused sign-in of a known and of an unknown email, by round."""
    make_users(rounds + WARM_UP)
    taken = []
    for number in range(rounds + WARM_UP):
        kinds = random.sample(("known", "unknown"), 2)
        took = {kind: refused(kind, number) for kind in kinds}
        taken.append((took["known"], took["unknown"]))
    return taken[WARM_UP:]


def make_users(number: int) -> None:
    """Their rows are not what is measured: one hash does for all of them."""
    from chalicelib.services.core import hashing
    from chalicelib.services.identity import users

    hashed = hashing.hash_password("a password that is right")
    hash_password = hashing.hash_password
    hashing.hash_password = lambda password: hashed
    for each in range(number):
        users.create_user(
            email=f"known{each}@example.com",
            name="Known",
            password="a password that is right",
            is_super_admin=False,
            by="bench",
        )
    hashing.hash_password = hash_password


def refused(kind: str, number: int) -> float:
    from chalicelib.errors import Unauthenticated
    from chalicelib.services.identity.sessions import Device, sign_in

    device = Device(f"192.0.{number // 250}.{number % 250}")
    before = _in_emulator
    begun = time.process_time()
    try:
        sign_in(f"{kind}{number}@example.com", "a password that is wrong", device=device)
    except Unauthenticated:
        return (time.process_time() - begun - (_in_emulator - before)) * 1000
    raise AssertionError("It was let in.")


_in_emulator = 0.0


@contextmanager
def emulator_timed() -> Iterator[None]:
    """Count the seconds that moto takes to answer."""
    from moto.core.botocore_stubber import BotocoreStubber

    answer = BotocoreStubber.__call__

    def timed(*arguments: Any, **options: Any) -> Any:
        global _in_emulator
        begun = time.process_time()
        try:
            return answer(*arguments, **options)
        finally:
            _in_emulator += time.process_time() - begun

    stubber: Any = BotocoreStubber
    stubber.__call__ = timed
    try:
        yield
    finally:
        stubber.__call__ = answer


def report(name: str, taken: Sequence[float]) -> None:
    low, middle, high = statistics.quantiles(taken, n=4)
    print(f"{name:14} median {middle:.2f} ms (quartiles {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    sys.exit(not main(*(int(argument) for argument in sys.argv[1:])))
