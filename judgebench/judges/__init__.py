"""Who is asked: providers.yaml into typed judges, keys, prices; no network."""
