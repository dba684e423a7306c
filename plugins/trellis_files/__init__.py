"""Files on hosts: static, initial and dynamic ones, kept as the stack declares them."""

from collections.abc import Sequence

from trellis.plugin import hookimpl
from trellis.plugin.contracts import Provider


@hookimpl
def trellis_providers() -> Sequence[Provider]:
    """The provider of `file` resources."""
    from trellis_files.provider import FileProvider

    return (FileProvider(),)
