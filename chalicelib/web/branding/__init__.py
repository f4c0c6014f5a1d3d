"""The branding pages for resellers, tenants, and the platform."""
