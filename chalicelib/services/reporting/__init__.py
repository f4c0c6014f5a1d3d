"""Statements, dashboard figures, and the diagnosis of a reseller."""
