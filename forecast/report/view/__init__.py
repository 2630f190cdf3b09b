"""A run as the report asks it: names, series, odds."""
