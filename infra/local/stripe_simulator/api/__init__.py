"""The calls of Stripe's REST API that the product makes."""
