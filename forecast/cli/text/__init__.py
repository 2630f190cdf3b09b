"""Tables and comparisons as lines of a terminal."""
