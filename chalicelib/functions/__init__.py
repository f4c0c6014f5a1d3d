"""Lambda functions that don't serve HTTP routes. Each is deployed separately, without app.py."""
