"""Measurements behind docs/growth.md."""
