"""Signed statements: DSSE envelopes by an environment's certificate, and whose certificates are trusted."""
