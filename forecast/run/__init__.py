"""A run: all that a forecast found, in memory and on disk."""
