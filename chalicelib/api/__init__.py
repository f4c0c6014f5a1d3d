"""JSON routes, one blueprint per noun."""
