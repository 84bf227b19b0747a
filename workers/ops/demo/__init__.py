"""``mindlinks demo``: the story of two people and their contract, from sign-up to payout, played on the real system and checked."""
