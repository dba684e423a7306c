"""What Trellis itself made and must remember for an environment, encrypted at rest on the controller."""

from collections.abc import Mapping
from types import MappingProxyType

from trellis.environments.encrypted import every_file, kept_of
from trellis.environments.project import Project
from trellis.environments.writing import exclusive
from trellis_dsl.secret import Secret


def load_kept(project: Project, name: str) -> Mapping[str, Secret]:
    """Everything that is kept for an environment, by key.

    Raises:
        ConfigError: the identity is missing or not the right one, or the file is damaged.
    """
    return MappingProxyType(kept_of(project, name).texts())


class KeptFile:
    """Reads and writes what is kept for one environment; a write is on the disk when it returns."""

    def __init__(self, project: Project, environment: str) -> None:
        self._project = project
        self._file = kept_of(project, environment)

    def get(self, key: str) -> Secret | None:
        """What is kept under a key, as it is now. Raises `ConfigError`."""
        return self._file.texts().get(key)

    def all(self) -> Mapping[str, Secret]:
        """Everything that is kept, as it is now. Raises `ConfigError`."""
        return MappingProxyType(self._file.texts())

    def put(self, key: str, value: Secret) -> None:
        """Keep something; the first one makes the project's identity. Raises `ConfigError`."""
        self._file.put(key, value, every_file(self._project))

    def drop(self, key: str) -> None:
        """Keep it no longer; nothing happens when it is not there. Raises `ConfigError`."""
        with exclusive(self._file.path.parent):
            blocks = self._file.blocks()
            if blocks.pop(key, None) is not None:
                self._file.write(blocks)
