"""Keeps an environment's signing keys among its encrypted secrets."""

from trellis.environments.project import Project
from trellis.environments.secrets import load_secrets, set_secret
from trellis_dsl.secret import Secret


class SecretsKeep:
    """What is kept for one environment; see `trellis.signing.keys.Keeps`."""

    def __init__(self, project: Project, environment: str) -> None:
        self._project, self._environment = project, environment

    def get(self, key: str) -> Secret | None:
        """What is kept under a key. Raises `ConfigError` when it cannot be read."""
        return load_secrets(self._project, self._environment).get(key)

    def put(self, key: str, value: Secret) -> None:
        """Keep something; the first one makes the project's identity."""
        set_secret(self._project, self._environment, key, value)
