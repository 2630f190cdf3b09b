"""The chapter on schools."""
