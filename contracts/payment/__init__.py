"""Kinds of payment: escrow, deposits, releases, payees, payouts (domain.md 7)."""

PARTS = ("commands", "events")
