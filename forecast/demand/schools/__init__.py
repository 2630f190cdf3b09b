"""Pupils, classes, posts and sites: the arithmetic of schools."""
