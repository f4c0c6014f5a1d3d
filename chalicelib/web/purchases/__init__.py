"""The pages for buying licenses and for viewing purchases."""
