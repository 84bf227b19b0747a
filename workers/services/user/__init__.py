"""Who a person is to others, and how the person wants to be told things (domain.md 2)."""
