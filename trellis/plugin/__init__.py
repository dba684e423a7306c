"""How plugins reach the engine: hook specifications, contracts and the plugin registry."""

import pluggy

hookimpl = pluggy.HookimplMarker("trellis")
"""Marks a plugin's implementation of a hook."""

__all__ = ["hookimpl"]
