"""Contractors: who they are, whom they work for, how far their identity is checked, and where their money goes (domain.md 4)."""
