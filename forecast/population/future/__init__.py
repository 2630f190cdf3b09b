"""Rates after the jump-off date, under a scenario's levers."""
