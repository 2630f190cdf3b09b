"""The past forecast from earlier dates, and set beside what was counted and beside simple rivals."""
