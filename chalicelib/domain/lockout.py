"""Exponential lockout: how long to pause after repeated failures."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """The pause that each failure causes.

    Reaching `free_failures` failures starts a pause of `first_pause`. Each further failure doubles
    it, up to `max_pause`. The count resets once `forget_after` has passed since the last failure.
    """

    free_failures: int
    max_pause: timedelta
    forget_after: timedelta
    first_pause: timedelta = timedelta(seconds=1)

    def pause(self, failures: int) -> timedelta | None:
        """Return the pause after this many failures, or None if there is none yet."""
        if failures < self.free_failures:
            return None
        doublings = min(failures - self.free_failures, 30)
        doubled: timedelta = self.first_pause * 2**doublings
        return min(doubled, self.max_pause)


# About a hundred guesses per account per day, from any number of addresses.
ACCOUNT = Policy(5, max_pause=timedelta(minutes=15), forget_after=timedelta(days=1))
# An office can share one address, so successful sign-ins are not counted and failures are
# forgotten after an hour.
SOURCE = Policy(50, max_pause=timedelta(minutes=15), forget_after=timedelta(hours=1))
# Mails that anyone can have sent: to one mailbox, and from one address.
MAILBOX = Policy(
    3,
    max_pause=timedelta(hours=6),
    forget_after=timedelta(days=1),
    first_pause=timedelta(minutes=5),
)
MAIL_SOURCE = Policy(20, max_pause=timedelta(minutes=15), forget_after=timedelta(hours=1))
