"""Shared by the admin pages: their layout, and names for codes and IDs."""
