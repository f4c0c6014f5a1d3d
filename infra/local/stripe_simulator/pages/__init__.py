"""The simulator's HTML pages: payment page, receipts, invoices, and dashboard."""
