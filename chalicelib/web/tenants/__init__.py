"""The tenant pages, for resellers and for admins."""
