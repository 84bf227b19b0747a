"""Contracts from draft to end, and the templates they are drafted from (domain.md 6)."""
