"""The guide, from beginning to end, over HTTP against a running service."""
