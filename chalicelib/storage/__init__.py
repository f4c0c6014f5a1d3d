"""DynamoDB: one file per table, and transactions.py."""
