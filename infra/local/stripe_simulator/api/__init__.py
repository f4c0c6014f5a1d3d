"""The Stripe API calls that the service makes."""
