"""Lambda functions other than the HTTP routes. Each is deployed on its own, without app.py."""
