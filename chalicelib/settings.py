"""The environment as one frozen Settings, read on first use, never at import.

On AWS what is secret, and what the stack knows only once it stands, is kept by the Systems
Manager: NAME_PARAMETER then says under which name, in place of NAME itself. Such values are
read when they are first needed and again every few minutes, so that a rotated secret is
taken up without deploying anew.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# For how long a rotated secret's predecessor has to stay valid.
PARAMETER_SECONDS = 300
# Prices are hundredths. These have none, have thousandths, or take whole units alone
# (https://docs.stripe.com/currencies).
NOT_IN_HUNDREDTHS = (
    "bif clp djf gnf isk jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf bhd jod kwd omr tnd"
)


class ConfigurationError(RuntimeError):
    """The environment lacks a variable or carries a wrong one; the message names it."""


@dataclass(frozen=True, slots=True)
class Value:
    """One setting, given outright or by the name of the parameter that holds it."""

    variable: str
    given: str = ""
    parameter: str = ""

    def read(self) -> str:
        """Raises ConfigurationError."""
        return self.given or _parameter(self)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between stages.

    table_prefix: tables are named `<table_prefix>-<noun>`.
    currency: of every price, as Stripe writes it (`usd`); one that has hundredths.
    stripe_api_base: None for Stripe itself; on one machine, the stand-in's address.
    mail_from: the address that SES may send from; None where no mail is sent.
    promotion_codes: whether Stripe's payment page takes the account's promotion codes.
    platform_hosts: further hosts of the platform's own, which no reseller may claim.
    dns_server: `address:port` to ask for TXT records; None for the machine's own resolver.
    """

    stage: str
    table_prefix: str
    stripe_api_base: str | None
    currency: str
    promotion_codes: bool
    mail_from: str | None
    platform_hosts: tuple[str, ...]
    dns_server: str | None
    _public_url: Value
    _stripe_secret_key: Value
    _stripe_webhook_secret: Value

    @property
    def public_url(self) -> str:
        """Where people and clients reach the service, without a trailing slash."""
        return self._public_url.read().rstrip("/")

    @property
    def stripe_secret_key(self) -> str:
        return self._stripe_secret_key.read()

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """One, or two while a secret is being rotated."""
        return tuple(self._stripe_webhook_secret.read().replace(",", " ").split())

    @property
    def livemode(self) -> bool:
        """Whether real money moves; events of the other mode are refused."""
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))


@cache
def settings() -> Settings:
    """The settings of this process. Raises ConfigurationError."""
    return from_environment(os.environ)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Raises ConfigurationError for the first variable that is missing or wrong."""

    def optional(name: str) -> str:
        return environ.get(name, "").strip()

    def required(name: str) -> str:
        value = optional(name)
        if not value:
            raise ConfigurationError(f"The environment variable {name} is not set.")
        return value

    def either(name: str) -> Value:
        parameter = f"{name}_PARAMETER"
        value = Value(name, optional(name), optional(parameter))
        if not (value.given or value.parameter):
            raise ConfigurationError(f"Neither {name} nor {parameter} is set in the environment.")
        return value

    return Settings(
        stage=required("STAGE"),
        table_prefix=required("TABLE_PREFIX"),
        stripe_api_base=optional("STRIPE_API_BASE") or None,
        currency=_currency(optional("CURRENCY") or "usd"),
        promotion_codes=optional("STRIPE_PROMOTION_CODES").lower() in ("1", "on", "true"),
        mail_from=optional("MAIL_FROM") or None,
        platform_hosts=tuple(optional("PLATFORM_HOSTS").lower().replace(",", " ").split()),
        dns_server=optional("DNS_SERVER") or None,
        _public_url=either("PUBLIC_URL"),
        _stripe_secret_key=either("STRIPE_SECRET_KEY"),
        _stripe_webhook_secret=either("STRIPE_WEBHOOK_SECRET"),
    )


def _currency(code: str) -> str:
    currency = code.lower()
    if len(currency) != 3 or not currency.isalpha() or currency in NOT_IN_HUNDREDTHS.split():
        raise ConfigurationError(
            f"CURRENCY must be the code of a currency with hundredths, such as usd; not {code!r}."
        )
    return currency


def _parameter(value: Value) -> str:
    # Imported on first use: one machine needs none of it, nor does an API request that
    # neither pays nor answers with an address.
    from aws_lambda_powertools.utilities import parameters
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        found = parameters.get_parameter(value.parameter, decrypt=True, max_age=PARAMETER_SECONDS)
    except GetParameterError as error:
        raise ConfigurationError(
            f"The parameter {value.parameter}, which {value.variable}_PARAMETER names, "
            f"could not be read: {error}"
        ) from error
    if not found.strip():
        raise ConfigurationError(f"The parameter {value.parameter} is empty.")
    return found.strip()
