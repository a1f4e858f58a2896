"""What every room may use and none is about: files, texts, steps, secrets. Its modules are its face."""
