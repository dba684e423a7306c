"""Attributes that tools set over the evaluated stack: a typed file that is tracked in git and merged key by key."""
