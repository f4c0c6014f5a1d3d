"""Currencies, and amounts as integers in the smallest unit, as in Stripe's API."""

from __future__ import annotations

LARGEST_AMOUNT = 99_999_999
SMALLEST_AMOUNT = 50  # about half a dollar; a total of 0 is allowed too

_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}
_ZERO_DECIMAL = frozenset(["jpy", "krw"])
_OTHERS = frozenset(["brl", "chf", "dkk", "hkd", "inr", "mxn", "nok", "nzd", "sek", "sgd"])
CURRENCIES = _OTHERS | _ZERO_DECIMAL | _SYMBOLS.keys()


def format_amount(amount: int, currency: str) -> str:
    symbol = _SYMBOLS.get(currency, f"{currency.upper()} ")
    if currency in _ZERO_DECIMAL:
        return f"{symbol}{amount:,}"
    return f"{symbol}{amount // 100:,}.{amount % 100:02}"
