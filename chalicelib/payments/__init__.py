"""The Stripe integration. Only this package imports the Stripe SDK."""
