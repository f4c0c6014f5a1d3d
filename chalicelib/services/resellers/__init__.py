"""Reseller accounts and the activity of their license pools."""
