"""The admin page for reviewing and issuing a refund."""
