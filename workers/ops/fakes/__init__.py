"""Project-owned providers that behave like the real ones, for local work, demos and tests."""
