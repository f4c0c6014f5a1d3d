"""Shared building blocks: the audit trail, idempotency, hashing, and batch reads."""
