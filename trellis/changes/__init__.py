"""Change-sets and releases: made, shown, applied to environments, and where each of them is."""
