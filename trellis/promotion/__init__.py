"""How a change travels from one environment to the next: published, pulled, and only what the chain allows."""
