"""DynamoDB: one module per table, plus the rows, reads, and transactions they share."""
