"""What every capability uses: the audit trail, idempotency, hashing, batch reads."""
