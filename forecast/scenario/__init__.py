"""What could happen to births, deaths, migration and policy: its schema, and how it is read."""
