"""`python -m infra.bench.sign_in`: is an unknown email refused as slowly as a known one?

Both kinds are tried with a wrong password in random order, each account once, so that no
lockout comes in between. The two medians should differ by less than the noise, which is what
the halves of the same kind differ by. What is measured is this process's own time, the
database's included (it is in process): other people's load on the machine is not.
"""

import random
import statistics
import sys
import time

from infra.local.aws import create_tables, local_aws, set_environment

ROUNDS = 150


def main(rounds: int = ROUNDS) -> None:
    set_environment()
    with local_aws():
        create_tables()
        known, unknown = measure(rounds)
    report("known email", known)
    report("unknown email", unknown)
    difference = statistics.median(unknown) - statistics.median(known)
    noise = max(halves_differ(known), halves_differ(unknown))
    print(f"difference of the medians {difference:+.2f} ms; noise {noise:.2f} ms")


def measure(rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each refused sign-in."""
    from chalicelib.services import secrets, users

    hashed = secrets.hash_password("a password that is right")
    hash_password = secrets.hash_password
    secrets.hash_password = lambda password: hashed  # the users' rows are not what is measured
    for number in range(rounds):
        users.create_user(
            email=f"known{number}@example.com",
            name="Known",
            password="a password that is right",
            is_super_admin=False,
            by="bench",
        )
    secrets.hash_password = hash_password
    tries = [(kind, n) for n in range(rounds) for kind in ("known", "unknown")]
    random.shuffle(tries)
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    refused(("warm-up", 0))
    for kind, number in tries:
        taken[kind].append(refused((kind, number)))
    return taken["known"], taken["unknown"]


def refused(tried: tuple[str, int]) -> float:
    from chalicelib.errors import Unauthenticated
    from chalicelib.services.sessions import Device, sign_in

    kind, number = tried
    device = Device(f"192.0.{number // 250}.{number % 250}")
    begun = time.process_time()
    try:
        sign_in(f"{kind}{number}@example.com", "a password that is wrong", device=device)
    except Unauthenticated:
        return (time.process_time() - begun) * 1000
    raise AssertionError("It was let in.")


def halves_differ(taken: list[float]) -> float:
    return abs(statistics.median(taken[::2]) - statistics.median(taken[1::2]))


def report(name: str, taken: list[float]) -> None:
    low, middle, high = statistics.quantiles(taken, n=4)
    print(f"{name:14} median {middle:.2f} ms (quartiles {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
