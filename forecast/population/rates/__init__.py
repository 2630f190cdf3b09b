"""Life tables, fertility and migration schedules, graduation to single years of age."""
