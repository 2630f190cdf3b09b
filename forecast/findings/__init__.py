"""What it means, once: levels, flags, schools, who could help whom. Read by headline, chapters, tables and page."""
