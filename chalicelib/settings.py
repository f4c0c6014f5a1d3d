"""The environment as one frozen Settings, read on first use, never at import."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


class ConfigurationError(RuntimeError):
    """The environment lacks a variable or carries a wrong one; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between stages.

    table_prefix: tables are named `<table_prefix>-<noun>`.
    public_url: where people and clients reach the service, without a trailing slash.
    stripe_api_base: None for Stripe itself; on one machine, the stand-in's address.
    stripe_webhook_secrets: one, or two while a secret is being rotated.
    mail_from: the address that SES may send from; None where no mail is sent.
    platform_hosts: further hosts of the platform's own, which no reseller may claim.
    dns_server: `address:port` to ask for TXT records; None for the machine's own resolver.
    livemode: whether real money moves; events of the other mode are refused.
    """

    stage: str
    table_prefix: str
    public_url: str
    stripe_secret_key: str
    stripe_webhook_secrets: tuple[str, ...]
    stripe_api_base: str | None
    currency: str
    mail_from: str | None = None
    platform_hosts: tuple[str, ...] = ()
    dns_server: str | None = None

    @property
    def livemode(self) -> bool:
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))


@cache
def settings() -> Settings:
    """The settings of this process. Raises ConfigurationError."""
    return from_environment(os.environ)


def from_environment(environ: Mapping[str, str]) -> Settings:
    def required(name: str) -> str:
        value = environ.get(name, "").strip()
        if not value:
            raise ConfigurationError(f"The environment variable {name} is not set.")
        return value

    secrets = tuple(s for s in required("STRIPE_WEBHOOK_SECRET").replace(",", " ").split() if s)
    return Settings(
        stage=required("STAGE"),
        table_prefix=required("TABLE_PREFIX"),
        public_url=required("PUBLIC_URL").rstrip("/"),
        stripe_secret_key=required("STRIPE_SECRET_KEY"),
        stripe_webhook_secrets=secrets,
        stripe_api_base=environ.get("STRIPE_API_BASE") or None,
        currency=environ.get("CURRENCY", "usd").lower(),
        mail_from=environ.get("MAIL_FROM", "").strip() or None,
        platform_hosts=tuple(environ.get("PLATFORM_HOSTS", "").lower().replace(",", " ").split()),
        dns_server=environ.get("DNS_SERVER") or None,
    )
