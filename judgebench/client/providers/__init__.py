"""Ways to get replies: models behind LiteLLM, and the judges that need no network."""
