"""`python -m infra.bench.sign_in`: does a refused sign-in reveal whether the email is known?

Each round refuses a known and an unknown email in random order, one right after the other, so
that other load on the machine affects both. Each account is tried only once, so that no lockout
interferes. The benchmark measures the processor time of the service. It excludes the time of
the database emulator, which runs in the same process, because its cost per row is not DynamoDB's.

The rule: take the medians of two samples of attempts with known emails, each as large as the number
of attempts before the lockout. The median difference between two such medians is the noise. The
median difference between known and unknown emails must be smaller than that. An attacker who uses
all attempts on one email then learns no more than from a coin toss. The output also shows the 99%
confidence interval of the difference, from order statistics. It assumes no distribution, and load
on the machine makes it wider, but not wrong.
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
NOISE_SAMPLES = 2_000
# 99% of a normal distribution lies within this many standard deviations of the mean.
Z_99 = statistics.NormalDist().inv_cdf(0.995)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and its 99% confidence interval, in milliseconds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        ordered = sorted(values)
        middle, reach = len(ordered) / 2, Z_99 * len(ordered) ** 0.5 / 2
        first, last = int(middle - reach), min(int(middle + reach), len(ordered) - 1)
        return cls(ordered[max(first, 0)], statistics.median(ordered), ordered[last])

    def __str__(self) -> str:
        return f"{self.median:+.3f} ms, between {self.low:+.3f} and {self.high:+.3f}"


def main(rounds: int = ROUNDS) -> bool:
    """Measure and print the result. Return whether the difference is within the noise."""
    set_environment()
    with local_aws(), time_emulator():
        create_tables()
        times = measure(rounds)
    report("known email", [known for known, _ in times])
    report("unknown email", [unknown for _, unknown in times])
    differences = Spread.of([unknown - known for known, unknown in times])
    noise = measure_noise([known for known, _ in times])
    is_noise = abs(differences.median) < noise
    print(f"difference     {differences} (99%)")
    print(f"noise          {noise:.3f} ms: {'within' if is_noise else 'NOT WITHIN'} noise")
    return is_noise


def measure_noise(times: Sequence[float]) -> float:
    """Return the median difference between the medians of two samples of the same kind."""
    from chalicelib.domain.lockout import ACCOUNT

    def sample_median() -> float:
        return statistics.median(random.choices(times, k=ACCOUNT.free_failures))

    return statistics.median(abs(sample_median() - sample_median()) for _ in range(NOISE_SAMPLES))


def measure(rounds: int) -> list[tuple[float, float]]:
    """Return how many milliseconds each round took for a known and for an unknown email."""
    create_users(rounds + WARM_UP)
    times = []
    for number in range(rounds + WARM_UP):
        kinds = random.sample(("known", "unknown"), 2)
        milliseconds = {kind: time_refused_sign_in(kind, number) for kind in kinds}
        times.append((milliseconds["known"], milliseconds["unknown"]))
    return times[WARM_UP:]


def create_users(number: int) -> None:
    """Create users that share one password hash, because creating them is not measured."""
    from chalicelib.domain.actors import Actor
    from chalicelib.services.core import hashing
    from chalicelib.services.identity import users

    hashed = hashing.hash_password("a password that is right")
    hash_password = hashing.hash_password
    hashing.hash_password = lambda password: hashed
    for index in range(number):
        users.create_user(
            email=f"known{index}@example.com",
            name="Known",
            password="a password that is right",
            is_super_admin=False,
            by=Actor("bench"),
        )
    hashing.hash_password = hash_password


def time_refused_sign_in(kind: str, number: int) -> float:
    """Return the processor time in milliseconds, without the emulator's."""
    from chalicelib.errors import Unauthenticated
    from chalicelib.services.identity.sessions import Device, sign_in

    device = Device(f"192.0.{number // 250}.{number % 250}")
    emulator_before = _emulator_seconds
    started = time.process_time()
    try:
        sign_in(f"{kind}{number}@example.com", "a password that is wrong", device=device)
    except Unauthenticated:
        return (time.process_time() - started - (_emulator_seconds - emulator_before)) * 1000
    raise AssertionError("The sign-in was accepted.")


_emulator_seconds = 0.0


@contextmanager
def time_emulator() -> Iterator[None]:
    """Add up the processor time that moto takes to respond."""
    from moto.core.botocore_stubber import BotocoreStubber

    original = BotocoreStubber.__call__

    def timed(*arguments: Any, **options: Any) -> Any:
        global _emulator_seconds
        started = time.process_time()
        try:
            return original(*arguments, **options)
        finally:
            _emulator_seconds += time.process_time() - started

    stubber: Any = BotocoreStubber
    stubber.__call__ = timed
    try:
        yield
    finally:
        stubber.__call__ = original


def report(name: str, times: Sequence[float]) -> None:
    low, middle, high = statistics.quantiles(times, n=4)
    print(f"{name:14} median {middle:.2f} ms (quartiles {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    sys.exit(not main(*(int(argument) for argument in sys.argv[1:])))
