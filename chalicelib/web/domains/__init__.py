"""The custom-domain forms on the branding pages."""
