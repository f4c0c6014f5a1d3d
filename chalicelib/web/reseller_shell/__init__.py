"""What the reseller pages share: their frame."""
