"""``mindlinks rebuild``: a service's log judged again into rows of its own, and held against the live tables (docs/operations.md)."""
