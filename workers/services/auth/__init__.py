"""Accounts, their addresses and passwords, sessions, and the erasure of a person (domain.md 1)."""
