"""Sign-in, passwords, and account pages, and the admin pages for users."""
