"""``mindlinks doctor``: what is wrong with a running system, what it means, and what to do. Reads only."""
