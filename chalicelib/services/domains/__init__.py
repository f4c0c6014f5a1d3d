"""Custom domains: added, verified by a TXT record, and rechecked daily."""
