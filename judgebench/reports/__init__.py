"""Tables on the terminal and in files. Its modules are its face."""
