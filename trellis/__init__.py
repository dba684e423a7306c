"""Trellis: describe services as Python classes; run them on the hosts you already have."""

from trellis_dsl import *  # noqa: F403 - the public face is the vocabulary, listed once in trellis_dsl
from trellis_dsl import __all__ as __all__
