"""Code shared by the admin pages: their layout, and readable names for codes and IDs."""
