"""Trellis: describe services as Python classes; run them on the hosts you already have."""
