"""Contract on the wire: templates, drafting, signing, the end (domain.md 6)."""

PARTS = ("commands", "events")
