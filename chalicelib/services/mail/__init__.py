"""Email: the outbox, message composition, and notices to resellers."""
