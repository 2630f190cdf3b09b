"""Random processes around the rates, and the counter-based numbers that they draw."""
