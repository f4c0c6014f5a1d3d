"""Tenants, from creation to deletion and restore."""
