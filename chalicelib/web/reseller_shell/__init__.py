"""Code shared by the reseller pages: their layout."""
