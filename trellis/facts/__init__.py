"""Facts about hosts: gathered by one script in one round trip, parsed and judged by pure functions."""
