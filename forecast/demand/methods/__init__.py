"""The methods that turn people into need, one file for each kind."""
