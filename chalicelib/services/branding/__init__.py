"""White-label branding of the platform, its resellers, and their tenants."""
