"""State transitions of sessions, payments, refunds, and disputes.

Each function checks that the current state allows the transition, changes the objects, and emits
the events that Stripe would. Both API calls and simulated actions use them.
"""
