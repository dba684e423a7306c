"""Files on hosts: static, initial and dynamic ones, kept as the stack declares them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.plugin.contracts import Provider


@hookimpl
def trellis_providers() -> "Sequence[Provider]":
    """The provider of `file` resources."""
    from trellis_files.provider import FileProvider

    return (FileProvider(),)
