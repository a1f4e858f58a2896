"""Reads runs, and makes no call: comparisons, leaderboards, juries, cascades. Its modules are its face."""
