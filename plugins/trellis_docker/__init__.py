"""Keeps images, networks, volumes and containers with Docker Engine."""

from collections.abc import Sequence

from trellis.plugin import hookimpl
from trellis.plugin.contracts import Provider


@hookimpl
def trellis_providers() -> Sequence[Provider]:
    """The provider of the kinds ``image``, ``network``, ``volume`` and ``container``."""
    from trellis_docker.provider import DockerProvider

    return (DockerProvider(),)
