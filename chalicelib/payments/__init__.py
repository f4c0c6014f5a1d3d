"""Stripe. Only this package imports its SDK."""
