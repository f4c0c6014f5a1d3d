"""The reseller management guide from beginning to end, over HTTP against a running service."""
