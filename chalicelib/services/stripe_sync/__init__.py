"""Keeping up with Stripe: webhook events, and the sweep that recovers missed ones."""
