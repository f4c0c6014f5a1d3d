"""Code that every page uses: routing, cookies, CSRF protection, forms, rendering, and theme."""
