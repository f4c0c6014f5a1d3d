"""Benchmarks, run manually. They are not part of the tests."""
