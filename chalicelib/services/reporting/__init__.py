"""Statements, the statistics of the admin overview, and the diagnosis of a reseller."""
