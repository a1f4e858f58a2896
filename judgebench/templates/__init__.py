"""A template: found, checked, rendered, and what is wrong with its words."""
