"""What stands and what is planned, and the difference to what people need."""
