"""Reconciliation: find inconsistencies, explain them, and repair those that are safe to repair.

Checks: facts (a consistent snapshot of one reseller), stripe_view (what Stripe reports about a
purchase), name_checks (claims and links, in both directions), unknown_sessions (Stripe sessions
that no purchase lists).

Runs: scheduled (handles an event), runs (starts or resumes a run), run_loop (works through the
phases), phases, batches (what a phase yields), reseller_checks (one reseller within a run),
automatic (repairs without approval), open_findings (counts findings that await a decision).

Decisions: resolution (a person's decision about one finding), repair_request (its details),
repairs (the actions for each finding) with name_repairs, purchase_repairs, and
recreate_purchase; and sync (corrects one reseller immediately).
"""
