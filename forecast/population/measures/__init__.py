"""Rates and structures of a population. Asked alone: no run calls them."""
