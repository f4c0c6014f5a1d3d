"""How amounts of money are displayed on pages and in emails."""

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def money(cents: int, currency: str = "usd") -> str:
    """Format integer cents: `$1,234.50`, or `CHF 12.00` for a currency that is not in SYMBOLS."""
    symbol = SYMBOLS.get(currency.lower(), currency.upper() + " ")
    whole, rest = divmod(abs(cents), 100)
    return f"{'−' if cents < 0 else ''}{symbol}{whole:,}.{rest:02}"
