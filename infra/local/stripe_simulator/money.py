"""Currencies, as Stripe's API counts them: integers of the smallest unit."""

from __future__ import annotations

LARGEST_AMOUNT = 99_999_999
SMALLEST_AMOUNT = 50  # half a dollar, or about that; nothing at all can be charged too

_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}
_NO_CENTS = frozenset(["jpy", "krw"])
_OTHERS = frozenset(["brl", "chf", "dkk", "hkd", "inr", "mxn", "nok", "nzd", "sek", "sgd"])
CURRENCIES = _OTHERS | _NO_CENTS | _SYMBOLS.keys()


def format_amount(amount: int, currency: str) -> str:
    symbol = _SYMBOLS.get(currency, f"{currency.upper()} ")
    if currency in _NO_CENTS:
        return f"{symbol}{amount:,}"
    return f"{symbol}{amount // 100:,}.{amount % 100:02}"
