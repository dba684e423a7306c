"""Keeps images, networks, volumes and containers with Docker Engine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.plugin.contracts import Provider


@hookimpl
def trellis_providers() -> "Sequence[Provider]":
    """The provider of the kinds ``image``, ``network``, ``volume`` and ``container``."""
    from trellis_docker.provider import DockerProvider

    return (DockerProvider(),)
