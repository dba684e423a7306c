"""Desire: from a placed stack to the resources of each host; pure."""
