"""Places that stand and places that are planned, and their difference to what people need."""
