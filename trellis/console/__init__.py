"""The console: serves an environment's publications read-only over mutual TLS, and fetches from one that does."""
