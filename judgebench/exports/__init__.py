"""Finished runs in the forms that other tools read. Its modules are its face."""
