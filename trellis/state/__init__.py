"""What Trellis remembers between runs: the journal, the history made of it, and the lease lock."""
