"""lead: people who asked for something before they had an account."""
