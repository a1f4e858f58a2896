"""Reward models: what gives a conversation a score."""
