"""Go through the whole reseller management guide, over HTTP against a running service."""
