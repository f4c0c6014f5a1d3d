"""Amounts as people read them, in pages and in mails alike."""

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def money(cents: int, currency: str = "usd") -> str:
    """Integer cents as people write them: $1,234.50; CHF 12.00 where no symbol is known."""
    symbol = SYMBOLS.get(currency.lower(), currency.upper() + " ")
    whole, rest = divmod(abs(cents), 100)
    return f"{'−' if cents < 0 else ''}{symbol}{whole:,}.{rest:02}"
