"""The pages for buying licenses and for purchases."""
