"""``mindlinks demo``: the story of one contract, from sign-up to payout, played on the real system and checked at its end."""
