"""Settings from the environment, read on first use and never at import.

On AWS, secrets and values that exist only after the stack is deployed are stored in Systems
Manager Parameter Store. For those, NAME_PARAMETER holds the parameter's name and replaces NAME.
Parameters are read when first needed and again every few minutes, so that a rotated secret takes
effect without a deployment.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from chalicelib.errors import Busy

# How long a parameter is cached. After a rotation, the old secret has to stay valid this long.
PARAMETER_SECONDS = 300
# What Parameter Store answers under load.
OVERLOADED = frozenset({"InternalServerError", "ThrottlingException"})
# Prices are stored in hundredths of the currency. These currencies have no hundredths, have
# thousandths, or accept only whole units (https://docs.stripe.com/currencies).
UNSUPPORTED_CURRENCIES = (
    "bif clp djf gnf isk jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf bhd jod kwd omr tnd"
)


class ConfigurationError(RuntimeError):
    """An environment variable is missing or invalid. The message names the variable."""


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting: either its value, or the name of the parameter that holds the value."""

    variable: str
    given: str = ""
    parameter: str = ""

    def read(self) -> str:
        """Return the setting's value.

        Raises ConfigurationError if its parameter can't be read, or Busy if that may be different
        in a moment.
        """
        return self.given or _read_parameter(self)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between stages.

    Attributes:
        table_prefix: Tables are named `<table_prefix>-<noun>`.
        currency: Stripe's code for the currency of every price, such as `usd`.
        stripe_api_base: The simulator's URL when running locally; None for Stripe itself.
        mail_from: The verified SES sender address; None turns mail off.
        promotion_codes: Whether Stripe's payment page accepts promotion codes.
        platform_hosts: Additional hosts of the platform, which no reseller can use.
        dns_server: The `address:port` to query for TXT records; None for the system's resolver.
    """

    stage: str
    table_prefix: str
    stripe_api_base: str | None
    currency: str
    promotion_codes: bool
    mail_from: str | None
    platform_hosts: tuple[str, ...]
    dns_server: str | None
    _public_url: SettingValue
    _stripe_secret_key: SettingValue
    _stripe_webhook_secret: SettingValue

    @property
    def public_url(self) -> str:
        """The service's base URL, without a trailing slash."""
        return self._public_url.read().rstrip("/")

    @property
    def stripe_secret_key(self) -> str:
        return self._stripe_secret_key.read()

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """The current secret, and the previous one during a rotation."""
        return tuple(self._stripe_webhook_secret.read().replace(",", " ").split())

    @property
    def livemode(self) -> bool:
        """Whether Stripe is in live mode (real money). Events from the other mode are refused."""
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))


@cache
def settings() -> Settings:
    """Return this process's settings; raise ConfigurationError if they are invalid."""
    return from_environment(os.environ)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Parse the environment; raise ConfigurationError if a variable is missing or invalid."""

    def optional(name: str) -> str:
        return environ.get(name, "").strip()

    def required(name: str) -> str:
        value = optional(name)
        if not value:
            raise ConfigurationError(f"The environment variable {name} is not set.")
        return value

    def value_or_parameter(name: str) -> SettingValue:
        parameter = f"{name}_PARAMETER"
        value = SettingValue(name, optional(name), optional(parameter))
        if not (value.given or value.parameter):
            raise ConfigurationError(f"Set the environment variable {name} or {parameter}.")
        return value

    return Settings(
        stage=required("STAGE"),
        table_prefix=required("TABLE_PREFIX"),
        stripe_api_base=optional("STRIPE_API_BASE") or None,
        currency=_parse_currency(optional("CURRENCY") or "usd"),
        promotion_codes=optional("STRIPE_PROMOTION_CODES").lower() in ("1", "on", "true"),
        mail_from=optional("MAIL_FROM") or None,
        platform_hosts=tuple(optional("PLATFORM_HOSTS").lower().replace(",", " ").split()),
        dns_server=optional("DNS_SERVER") or None,
        _public_url=value_or_parameter("PUBLIC_URL"),
        _stripe_secret_key=value_or_parameter("STRIPE_SECRET_KEY"),
        _stripe_webhook_secret=value_or_parameter("STRIPE_WEBHOOK_SECRET"),
    )


def _parse_currency(code: str) -> str:
    currency = code.lower()
    if len(currency) != 3 or not currency.isalpha() or currency in UNSUPPORTED_CURRENCIES.split():
        raise ConfigurationError(
            f"CURRENCY must be a currency with hundredths, such as usd, but is {code!r}."
        )
    return currency


def _read_parameter(value: SettingValue) -> str:
    # Imported on first use, because the modules are not needed for local runs, or for API requests
    # that neither call Stripe nor return a URL.
    from aws_lambda_powertools.utilities import parameters
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        found = parameters.get_parameter(value.parameter, decrypt=True, max_age=PARAMETER_SECONDS)
    except GetParameterError as error:
        explanation = (
            f"Could not read the parameter {value.parameter}, named by "
            f"{value.variable}_PARAMETER: {error}"
        )
        if _is_overloaded(error.__cause__):
            raise Busy(log_detail=explanation) from error
        raise ConfigurationError(explanation) from error
    if not found.strip():
        raise ConfigurationError(f"The parameter {value.parameter} is empty.")
    return found.strip()


def _is_overloaded(cause: BaseException | None) -> bool:
    """Return whether Parameter Store was overloaded or could not be reached."""
    from botocore.exceptions import ClientError

    if isinstance(cause, ClientError):
        return cause.response["Error"]["Code"] in OVERLOADED
    return cause is not None
