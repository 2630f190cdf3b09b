"""Meaning of a run, worked out once: levels, flags, schools, sharing. Read by headline, chapters, tables and page."""
