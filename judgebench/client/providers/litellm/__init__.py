"""Models behind LiteLLM: settings, calls, errors and replies."""
