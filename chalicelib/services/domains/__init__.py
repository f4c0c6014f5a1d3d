"""Custom domains: add them, verify them with a TXT record, and recheck them daily."""
