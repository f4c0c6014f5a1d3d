"""All expected errors. http/problems.py maps each one to its HTTP status."""

from collections.abc import Sequence
from dataclasses import dataclass


class TenantryError(Exception):
    """Base class for all expected errors.

    Clients see `code` and the message. `log_detail` is the underlying cause; it is only logged.
    """

    code: str
    log_detail: str = ""


class Unauthenticated(TenantryError):
    code = "unauthenticated"


class Forbidden(TenantryError):
    code = "forbidden"


class AdminExists(Forbidden):
    """The first super admin cannot be created because a super admin already exists."""

    def __init__(self) -> None:
        super().__init__("A super admin already exists. Ask a super admin to create another one.")


class NotFound(TenantryError):
    """The resource is missing or belongs to someone else; clients must not see which."""

    code = "not_found"

    def __init__(self, noun: str) -> None:
        super().__init__(f"This {noun} does not exist.")


class LicensesExhausted(TenantryError):
    code = "licenses_exhausted"

    def __init__(self, used: int, count: int) -> None:
        super().__init__(
            f"All licenses are in use ({used} of {count}). Add licenses or delete a tenant first."
        )


class ResellerInactive(TenantryError):
    code = "reseller_inactive"

    def __init__(self) -> None:
        super().__init__("This reseller account is inactive.")


class SignInRefused(ResellerInactive):
    """ResellerInactive at sign-in, where the response is a 403 instead of a 409."""


class SlugTaken(TenantryError):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The slug “{slug}” is already taken.")


class EmailTaken(TenantryError):
    code = "email_taken"

    def __init__(self, email: str) -> None:
        super().__init__(f"The email address {email} is already in use.")


class DomainTaken(TenantryError):
    code = "domain_taken"

    def __init__(self, host: str) -> None:
        super().__init__(f"The domain {host} is already verified for another account.")


class LicenseCountBelowUsed(TenantryError):
    code = "license_count_below_used"

    def __init__(self, used: int) -> None:
        super().__init__(f"The total cannot be lower than the number of licenses in use ({used}).")


class VersionConflict(TenantryError):
    code = "version_conflict"

    def __init__(self) -> None:
        super().__init__("Someone else changed this in the meantime. Reload it and try again.")


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
        super().__init__("This Idempotency-Key was already used with a different request.")


class RateLimited(TenantryError):
    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PaymentProviderUnavailable(TenantryError):
    """The provider did not answer or was overloaded. The request may have succeeded."""

    code = "payment_provider_unavailable"

    def __init__(
        self, message: str = "The payment provider could not be reached. Try again in a moment."
    ) -> None:
        super().__init__(message)


class PaymentProviderRefused(PaymentProviderUnavailable):
    """The provider refused the request.

    `provider_code` is the provider's own error code, if any. `permanent` means that the request
    itself is invalid, so a new idempotency key would not help. `key_consumed` means that the
    provider repeats this response if the same key is sent again. It is False if our access was
    denied: the provider did not process the request, so the key can be used again.
    """

    def __init__(
        self,
        message: str,
        *,
        provider_code: str | None,
        permanent: bool,
        key_consumed: bool = True,
    ) -> None:
        super().__init__(f"The payment provider refused the request: {message}")
        self.provider_code = provider_code
        self.permanent = permanent
        self.key_consumed = key_consumed


OUTCOME_UNKNOWN = (
    "The service is busy, and we could not confirm whether this request took effect. Check before "
    "you try again, or try again with the same Idempotency-Key."
)


class Busy(TenantryError):
    """The database stayed overloaded, or the rows kept changing. Nothing was written.

    If `outcome_unknown` is true, a response was lost, so the write may have succeeded.
    """

    code = "busy"

    def __init__(
        self, retry_after: int = 1, *, outcome_unknown: bool = False, log_detail: str = ""
    ) -> None:
        super().__init__(
            OUTCOME_UNKNOWN if outcome_unknown else "The service is busy. Try again in a moment."
        )
        self.retry_after = retry_after
        self.log_detail = log_detail
