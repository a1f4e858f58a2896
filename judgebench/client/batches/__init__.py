"""Providers' batch interfaces: many requests at once, answered within a day, at a lower price."""
