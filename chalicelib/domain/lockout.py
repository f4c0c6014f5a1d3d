"""Exponential lockout: how long to wait after how many failures."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """free: failures that cost no waiting; from then on each doubles the pause, from `first`
    to `longest`. Nothing is ever locked for longer than that, and everything is
    forgotten `forgotten_after` the last failure.
    """

    free: int
    longest: timedelta
    forgotten_after: timedelta
    first: timedelta = timedelta(seconds=1)

    def pause(self, failures: int) -> timedelta | None:
        """The pause after this many failures; None while they are free."""
        if failures < self.free:
            return None
        doublings = min(failures - self.free, 30)
        doubled: timedelta = self.first * 2**doublings
        return min(doubled, self.longest)


# About a hundred guesses a day at one account, from however many addresses.
ACCOUNT = Policy(5, longest=timedelta(minutes=15), forgotten_after=timedelta(days=1))
# An office shares an address: what succeeds is not counted, and an hour forgets the rest.
SOURCE = Policy(50, longest=timedelta(minutes=15), forgotten_after=timedelta(hours=1))
# Mails that a stranger can have sent to one mailbox, and from one address.
MAILBOX = Policy(
    3, longest=timedelta(hours=6), forgotten_after=timedelta(days=1), first=timedelta(minutes=5)
)
MAIL_SOURCE = Policy(20, longest=timedelta(minutes=15), forgotten_after=timedelta(hours=1))
