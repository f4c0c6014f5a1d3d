"""Shared by the reseller pages: their layout."""
