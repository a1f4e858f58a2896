"""Runs as folders on disk: what they hold, how they are named, read, scored and shown."""
