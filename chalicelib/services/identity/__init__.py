"""Users and how they sign in: sessions, passwords, API keys, lockout."""
