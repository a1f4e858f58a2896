"""(item, readings so far) -> the calls that it still needs, and what they make of the item."""
