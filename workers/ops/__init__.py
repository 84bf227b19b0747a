"""Running the system: the stack it stands on, and what an operator does to it."""
