"""Kinds of notification: recipients, messages and their fate, suppressed addresses, templates (domain.md 8)."""

PARTS = ("commands", "events")
