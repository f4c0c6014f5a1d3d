"""Refunds requested by admins and paid through Stripe."""
