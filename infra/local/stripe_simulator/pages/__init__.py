"""What a person sees: the payment page, receipts and invoices, and a small dashboard."""
