"""Stripe's objects, with all the fields that the API returns.

Each builder returns a new object. The functions in `transitions` change it from there.
"""
