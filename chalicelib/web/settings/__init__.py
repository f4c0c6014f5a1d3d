"""The admin page for platform settings."""
