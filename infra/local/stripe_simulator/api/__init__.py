"""The calls of Stripe's REST API that the service makes."""
