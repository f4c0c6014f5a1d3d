"""Stripe's objects, field by field, as the API answers them.

Each builder gives an object as it is when it is new; the moves change it from there.
"""
