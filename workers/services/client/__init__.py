"""Companies, whether they are what they say, and the contractors they invite (domain.md 3)."""
