"""Going back to what an earlier run applied: its program and its config, on the hosts and with the secrets of today."""
