"""White-label branding of the platform, resellers, and tenants."""
