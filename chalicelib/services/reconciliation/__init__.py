"""Reconciliation: finds what drifted, explains it, and mends what may be mended.

What is looked at: facts (one reseller's sources, counted at one moment), stripe_view (what
Stripe says of a purchase), names (claims and links, both ways), unknown_sessions (payments that
no purchase knows).

A run: invocation (what an event asks for), runs (a run begun, or gone on with), work (its way
through the phases), sources (the phases), pieces (what a phase goes through), accounts (one
reseller in it), automatic (repairs that need no person), waiting (findings that need one).

A decision: resolution (a person's, about one finding), orders (what it carries), repairs (what
each action does) with name_repairs, purchase_repairs and recreation; sync (one reseller, now).
"""
