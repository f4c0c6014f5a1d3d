"""Overviews and statements."""
