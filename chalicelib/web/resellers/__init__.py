"""The admin pages for resellers."""
