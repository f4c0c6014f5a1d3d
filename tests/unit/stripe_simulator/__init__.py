"""Tests of the Stripe simulator against Stripe's SDK and example objects."""
