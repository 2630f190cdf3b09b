"""People and flows up to the jump-off date, from censuses, totals and registers."""
