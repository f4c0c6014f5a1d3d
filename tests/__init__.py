"""By what they need: unit, integration, properties, engine, browser, deployment."""
