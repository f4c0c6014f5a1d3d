"""The API reference pages."""
