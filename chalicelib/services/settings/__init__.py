"""Platform settings: prices, switches, and branding validation."""
