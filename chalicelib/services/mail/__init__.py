"""Email: the outbox, the text of each message, and notices to resellers."""
