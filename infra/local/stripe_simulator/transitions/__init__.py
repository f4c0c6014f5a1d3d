"""What happens: to a session, a payment, a refund, a dispute.

Each move checks that it is legal in the current state, changes the objects, and emits the events
that Stripe would. API calls and the drivers of tests both end here.
"""
