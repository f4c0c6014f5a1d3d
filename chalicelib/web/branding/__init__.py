"""The branding pages of resellers, tenants, and the platform."""
