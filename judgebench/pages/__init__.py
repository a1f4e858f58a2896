"""Single HTML files that open from disk, with their data inside, and load nothing. Its modules are its face."""
