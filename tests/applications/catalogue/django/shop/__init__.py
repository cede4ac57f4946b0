"""The shop: orders, in one table."""
