"""The ground: words, dimensions, units, issues and folders that every room shares. Imports nothing of ours."""
