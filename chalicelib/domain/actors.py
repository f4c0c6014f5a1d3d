"""Who makes a change: a person through a request, or an automatic process."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change, for the ledger and the audit trail.

    Attributes:
        id: A user's ID, or the name of an automatic process, such as `schedule`.
        source_ip: Where the request came from; None if there was no request.
        credential_id: The API key that was used, if any.
    """

    id: str
    source_ip: str | None = None
    credential_id: str | None = None


SCHEDULE = Actor("schedule")
STRIPE = Actor("stripe")
