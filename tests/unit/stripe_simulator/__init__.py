"""The stand-in for Stripe, held against Stripe’s own SDK and example objects."""
