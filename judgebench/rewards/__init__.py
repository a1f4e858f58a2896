"""Reward models: what gives a conversation a score. Its modules are its face."""
