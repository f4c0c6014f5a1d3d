"""The admin page for the audit trail."""
