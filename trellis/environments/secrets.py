"""Secrets of an environment: age-encrypted one by one, in a file that may be in git."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from trellis.environments.armored import missing_key
from trellis.environments.encrypted import every_file, secrets_of
from trellis.environments.identity import read_identities
from trellis.environments.loading import check_exists
from trellis.environments.names import KEY_RULE, is_key
from trellis.environments.project import Project
from trellis.environments.reading import near_miss
from trellis.environments.writing import exclusive
from trellis.errors import ConfigError
from trellis_dsl.secret import Secret

NO_IDENTITY = b"no-identity"
"""The salt where there is neither an identity nor a secret that a fingerprint could be made of."""


def secrets_file(project: Project, name: str) -> Path:
    """The absolute path of an environment's secrets, which need not exist."""
    return secrets_of(project, name).path


def secret_keys(project: Project, name: str) -> tuple[str, ...]:
    """The keys of an environment's secrets, sorted; no identity is needed. Raises `ConfigError`."""
    return tuple(sorted(secrets_of(project, name).blocks()))


def load_secrets(project: Project, name: str) -> Mapping[str, Secret]:
    """An environment's secrets by key.

    Raises:
        ConfigError: the identity is missing or not the right one, or the file is damaged.
    """
    return MappingProxyType(secrets_of(project, name).texts())


def set_secret(project: Project, name: str, key: str, value: Secret) -> None:
    """Encrypt a secret to the project's recipients and write it; the first one makes the identity.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigError: a bad key, an empty value, a bad recipient, or other secrets that this identity cannot read.
    """
    check_exists(project, name)
    if not is_key(key):
        raise ConfigError(f"{key!r} is not a key of a secret", hint=f"use {KEY_RULE}")
    if not value:
        raise ConfigError("a secret cannot be empty", where=key, hint=f"trellis secret remove {key}")
    secrets_of(project, name).put(key, value, every_file(project))


def remove_secret(project: Project, name: str, key: str) -> None:
    """Remove a secret; no identity is needed. Raises `ConfigError` when there is none of that key."""
    check_exists(project, name)
    file = secrets_of(project, name)
    with exclusive(file.path.parent):
        blocks = file.blocks()
        if key not in blocks:
            raise ConfigError(f"there is no secret {key}{near_miss(key, blocks)}", where=file.label)
        del blocks[key]
        file.write(blocks)


def salt(project: Project, name: str) -> bytes:
    """The salt of an environment's fingerprints: 32 bytes, HKDF-SHA256 (RFC 5869) of the identity, info its name.

    Without an identity it is `NO_IDENTITY`, which is safe only where there are no secrets.

    Raises:
        ConfigError: there are secrets but no identity.
    """
    file = secrets_of(project, name)
    identities = read_identities(project)
    if not identities and file.blocks():
        raise missing_key(project, file.label)
    return _derived(str(identities[0]), name) if identities else NO_IDENTITY


def _derived(identity: str, name: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=name.encode()).derive(identity.encode())
