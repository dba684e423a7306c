"""Folders that are kept equal as a whole: what is missing or changed is written, what is too many is removed."""
