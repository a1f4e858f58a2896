"""The reply cache: keys, the store, bundles of replies."""
