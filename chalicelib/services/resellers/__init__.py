"""Reseller accounts and the activity in their license pools."""
