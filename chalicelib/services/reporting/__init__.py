"""Statements, statistics for the admin overview, and reseller diagnosis."""
