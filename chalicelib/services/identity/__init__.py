"""Users and authentication: sessions, passwords, API keys, and lockout."""
