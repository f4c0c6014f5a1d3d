"""Buying licenses: checkout, settlement against Stripe, and purchase search."""
