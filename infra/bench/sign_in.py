"""`python -m infra.bench.sign_in`: is an unknown email refused as slowly as a known one?

Each round refuses one of each, in random order, one right after the other, so that whatever
else the machine does weighs on both; each account is tried once, so that no lockout comes in
between. What is measured is this process's own time, the database's included (it is in
process).

The rule: the two are within noise if zero lies in the 99 % interval of the median of the
rounds' differences. The interval is that of the order statistics: it takes no distribution
for granted, and a busy machine makes it wider, not wrong. One run in a hundred says "not
within noise" of two that are equal; a difference as large as half the interval is found.
"""

import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from infra.local.aws import create_tables, local_aws, set_environment

ROUNDS = 300
WARM_UP = 10
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

    @property
    def is_noise(self) -> bool:
        return self.low <= 0 <= self.high

    def __str__(self) -> str:
        return f"{self.median:+.3f} ms, between {self.low:+.3f} and {self.high:+.3f}"


def main(rounds: int = ROUNDS) -> bool:
    """Whether the two are within noise."""
    set_environment()
    with local_aws():
        create_tables()
        taken = measure(rounds)
    report("known email", [known for known, _ in taken])
    report("unknown email", [unknown for _, unknown in taken])
    differences = Spread.of([unknown - known for known, unknown in taken])
    print(f"an unknown one takes {differences}")
    share = 100 * differences.median / statistics.median(known for known, _ in taken)
    verdict = "within noise" if differences.is_noise else "NOT within noise"
    print(f"{verdict}: {share:+.2f} % of a sign-in, over {rounds} rounds")
    return differences.is_noise


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
    from chalicelib.services import secrets, users

    hashed = secrets.hash_password("a password that is right")
    hash_password = secrets.hash_password
    secrets.hash_password = lambda password: hashed
    for each in range(number):
        users.create_user(
            email=f"known{each}@example.com",
            name="Known",
            password="a password that is right",
            is_super_admin=False,
            by="bench",
        )
    secrets.hash_password = hash_password


def refused(kind: str, number: int) -> float:
    from chalicelib.errors import Unauthenticated
    from chalicelib.services.sessions import Device, sign_in

    device = Device(f"192.0.{number // 250}.{number % 250}")
    begun = time.process_time()
    try:
        sign_in(f"{kind}{number}@example.com", "a password that is wrong", device=device)
    except Unauthenticated:
        return (time.process_time() - begun) * 1000
    raise AssertionError("It was let in.")


def report(name: str, taken: Sequence[float]) -> None:
    low, middle, high = statistics.quantiles(taken, n=4)
    print(f"{name:14} median {middle:.2f} ms (quartiles {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    sys.exit(not main(*(int(argument) for argument in sys.argv[1:])))
