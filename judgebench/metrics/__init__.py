"""Scores, intervals and comparisons: pure functions of outcomes and readings. Its modules are its face."""
