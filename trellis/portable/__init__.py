"""An environment as one document: written from a project, checked, and brought into another."""
