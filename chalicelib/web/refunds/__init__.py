"""The admin page that reviews and makes a refund."""
