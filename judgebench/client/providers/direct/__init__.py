"""Servers of the OpenAI protocol by plain HTTP, without LiteLLM."""
