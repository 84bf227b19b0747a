"""``mindlinks story``: what one id set in motion, as a tree, from topics and tables. Reads only; shows no value of a message."""
