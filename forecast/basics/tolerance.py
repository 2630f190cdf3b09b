"""The one tolerance: how far need may stand from supply before anyone is said to be short or to have places to spare."""

TOLERANCE = 0.05
"""Share of what stands. Classes, chances of a shortage, spells, balance in words and warnings all use it, so that two
parts of a report never call the same county short and balanced. Planning assumption: 5 % of a stage is two or three
pupils more or fewer in a class of 45, which is no reason to build or to close."""
