"""What every page uses: routing, cookies, CSRF protection, forms, rendering, theme."""
