"""Package this repository, and deploy it to or delete it from AWS."""
