"""Rates and their uncertainty fitted on a history."""
