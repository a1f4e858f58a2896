"""What is wrong with a template's words, with the line and the fix."""
