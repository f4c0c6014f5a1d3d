"""The HTTP status for each error, and error responses as application/problem+json (RFC 9457)."""

from http import HTTPStatus

from chalicelib import errors

STATUSES: dict[type[errors.TenantryError], HTTPStatus] = {
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.SignInRefused: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.LicensesExhausted: HTTPStatus.CONFLICT,
    errors.ResellerInactive: HTTPStatus.CONFLICT,
    errors.SlugTaken: HTTPStatus.CONFLICT,
    errors.EmailTaken: HTTPStatus.CONFLICT,
    errors.DomainTaken: HTTPStatus.CONFLICT,
    errors.LicenseCountBelowUsed: HTTPStatus.CONFLICT,
    errors.VersionConflict: HTTPStatus.PRECONDITION_FAILED,
    errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.PaymentProviderUnavailable: HTTPStatus.BAD_GATEWAY,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}

MEDIA_TYPE = "application/problem+json"

# The reason phrases from RFC 9110. Python uses them only since version 3.13.
TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}


def status_of(error: errors.TenantryError) -> HTTPStatus:
    """Return the status of the error's class, or of its nearest base class that has one."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def title_of(status: HTTPStatus) -> str:
    return TITLES.get(status, status.phrase)


def problem(error: errors.TenantryError) -> tuple[HTTPStatus, dict[str, object], dict[str, str]]:
    """Return the status, document, and additional headers for an expected error."""
    status = status_of(error)
    document = _document(status, error.code, str(error))
    headers = {}
    if isinstance(error, errors.InvalidRequest):
        document["errors"] = [{"field": e.field, "message": e.message} for e in error.errors]
    if isinstance(error, errors.RateLimited | errors.Busy):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return status, document, headers


def unexpected() -> tuple[HTTPStatus, dict[str, object], dict[str, str]]:
    """Return the response to an unexpected exception, whose traceback is only logged."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = (
        "Something went wrong on our side. The error is logged under this response's X-Request-Id."
    )
    return status, _document(status, "internal_error", detail), {}


def _document(status: HTTPStatus, code: str, detail: str) -> dict[str, object]:
    return {
        "type": f"urn:tenantry:problem:{code}",
        "title": title_of(status),
        "status": status.value,
        "detail": detail,
        "code": code,
    }
