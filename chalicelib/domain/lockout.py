"""Exponential lockout: how long to refuse attempts after repeated failures."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to refuse attempts after each failure: the pause.

    After `free_failures` failures, the pause is `first_pause`. Each further failure doubles the
    pause, up to `max_pause`. The count resets once `forget_after` has passed without a failure.
    """

    free_failures: int
    max_pause: timedelta
    forget_after: timedelta
    first_pause: timedelta = timedelta(seconds=1)

    def pause(self, failures: int) -> timedelta | None:
        """Return the pause after this many failures, or None if no pause is needed yet."""
        if failures < self.free_failures:
            return None
        doublings = min(failures - self.free_failures, 30)
        doubled: timedelta = self.first_pause * 2**doublings
        return min(doubled, self.max_pause)


# Allows about a hundred guesses per account per day, from any number of IP addresses.
ACCOUNT = Policy(5, max_pause=timedelta(minutes=15), forget_after=timedelta(days=1))
# A whole office can share one IP address, so successful sign-ins are not counted and failures are
# forgotten after an hour.
SOURCE = Policy(50, max_pause=timedelta(minutes=15), forget_after=timedelta(hours=1))
# Emails that anyone can trigger: limits per mailbox, and per requester's IP address.
MAILBOX = Policy(
    3,
    max_pause=timedelta(hours=6),
    forget_after=timedelta(days=1),
    first_pause=timedelta(minutes=5),
)
MAIL_SOURCE = Policy(20, max_pause=timedelta(minutes=15), forget_after=timedelta(hours=1))
