"""What can go wrong, in the domain's words. Which HTTP status each gets is api/problems.py's."""

from collections.abc import Sequence
from dataclasses import dataclass


class TenantryError(Exception):
    """Base of every expected error. `code` is the one that clients see; `because`, what was
    behind it, is for the log alone."""

    code: str
    because: str = ""


class Unauthenticated(TenantryError):
    code = "unauthenticated"


class Forbidden(TenantryError):
    code = "forbidden"


class AdminExists(Forbidden):
    """Nobody can be made the first super admin any more."""

    def __init__(self) -> None:
        super().__init__("There is a super admin already: ask one to create the next.")


class NotFound(TenantryError):
    """Missing, or another's: the two must look the same."""

    code = "not_found"

    def __init__(self, noun: str) -> None:
        super().__init__(f"There is no such {noun}.")


class LicensesExhausted(TenantryError):
    code = "licenses_exhausted"

    def __init__(self, used: int, count: int) -> None:
        super().__init__(f"All licenses are in use: {used} of {count}.")


class ResellerInactive(TenantryError):
    code = "reseller_inactive"

    def __init__(self) -> None:
        super().__init__("This reseller account is inactive.")


class SignInRefused(ResellerInactive):
    """The same fact as ResellerInactive, met at sign-in: a 403 there, a 409 elsewhere."""


class SlugTaken(TenantryError):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The slug “{slug}” is taken.")


class EmailTaken(TenantryError):
    code = "email_taken"

    def __init__(self, email: str) -> None:
        super().__init__(f"The email address {email} is taken.")


class DomainTaken(TenantryError):
    code = "domain_taken"

    def __init__(self, host: str) -> None:
        super().__init__(f"The domain {host} is verified for another account.")


class LicenseCountBelowUsed(TenantryError):
    code = "license_count_below_used"

    def __init__(self, used: int) -> None:
        super().__init__(f"{used} licenses are in use; the total cannot be below that.")


class VersionConflict(TenantryError):
    code = "version_conflict"

    def __init__(self) -> None:
        super().__init__("It was changed by someone else in the meantime. Read it again.")


class PayloadTooLarge(TenantryError):
    code = "payload_too_large"


@dataclass(frozen=True, slots=True)
class FieldError:
    field: str
    message: str


class InvalidRequest(TenantryError):
    code = "invalid_request"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The request is not valid.")
        self.errors = tuple(errors)

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidRequest":
        return cls([FieldError(field, message)])


class IdempotencyKeyReused(TenantryError):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used before with another request.")


class RateLimited(TenantryError):
    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PaymentProviderUnavailable(TenantryError):
    """Out of reach, overloaded, or without an answer: what was asked may have happened."""

    code = "payment_provider_unavailable"

    def __init__(
        self, message: str = "The payment provider could not be reached. Try again."
    ) -> None:
        super().__init__(message)


class PaymentProviderRefused(PaymentProviderUnavailable):
    """It answered, and answers the same again for as long as it remembers the request.

    why: its own code for the cause, if it gave one. permanent: the request itself is wrong,
    so that asking for the same under another name helps nothing either. remembered: False
    where it did not look at the request, since we may not ask: there the name is as good as new.
    """

    def __init__(
        self, message: str, *, why: str | None, permanent: bool, remembered: bool = True
    ) -> None:
        super().__init__(f"The payment provider refused: {message}")
        self.why = why
        self.permanent = permanent
        self.remembered = remembered


MAYBE_DONE = (
    "The service is busy, and it could not be seen whether this was done. Look before you try "
    "again, or try again with the same Idempotency-Key."
)


class Busy(TenantryError):
    """The database kept refusing for load until the deadline; nothing was written. unsure: a
    reply was lost, so that it may have been."""

    code = "busy"

    def __init__(self, retry_after: int = 1, *, unsure: bool = False, because: str = "") -> None:
        super().__init__(MAYBE_DONE if unsure else "The service is busy. Try again in a moment.")
        self.retry_after = retry_after
        self.because = because
