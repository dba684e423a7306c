"""Projects, environment files, secrets and config values."""
