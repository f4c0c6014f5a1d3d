"""Tests grouped by what they need: unit, integration, properties, engine, browser, deployment."""
