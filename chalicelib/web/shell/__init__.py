"""Used by every page: routing, cookies, CSRF protection, forms, rendering, and theme."""
