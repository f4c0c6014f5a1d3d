"""Lambda functions that are not HTTP routes. On AWS each is loaded alone, without app.py."""
