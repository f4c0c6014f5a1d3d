"""The admin pages for reconciliation runs and their findings."""
