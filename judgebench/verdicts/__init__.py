"""A reply and a rule into a verdict with its place, or a failure."""
