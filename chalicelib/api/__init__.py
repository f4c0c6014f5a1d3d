"""JSON routes, with one blueprint per resource."""
