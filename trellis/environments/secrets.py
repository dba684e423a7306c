"""Secrets of an environment: age-encrypted one by one, in a file that may be in git."""

from collections.abc import Mapping
from types import MappingProxyType

from trellis.environments.armored import missing_key
from trellis.environments.encrypted import every_file, kept_of, secrets_of
from trellis.environments.identity import read_identities
from trellis.environments.loading import check_exists
from trellis.environments.names import KEY_RULE, is_key
from trellis.environments.project import Project
from trellis.environments.reading import near_miss
from trellis.environments.writing import exclusive
from trellis.errors import ConfigError
from trellis_dsl.secret import Secret

NO_SECRETS = b"no-secrets"
"""The salt where there is no secret that a fingerprint could be made of."""

_SALT = "salt"
"""Under this key the salt is kept with what else Trellis made for the environment."""

_SALT_BYTES = 32


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
    secrets = secrets_of(project, name)
    is_first = not secrets.blocks()
    secrets.put(key, value, every_file(project))
    _keep_salt(project, name, is_first=is_first)


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


def salt(project: Project, name: str, kept: Mapping[str, Secret]) -> bytes:
    """The salt of an environment's fingerprints: everybody who can read what is kept for it has the same one.

    Environments from before it was kept have one that is derived from the identity; the next ``secret set`` keeps that.

    Args:
        project: whose environment it is.
        name: the environment's.
        kept: what is kept for it.

    Raises:
        ConfigError: there are secrets but no identity.
    """
    if _SALT in kept:
        return bytes.fromhex(kept[_SALT].reveal())
    file = secrets_of(project, name)
    if not file.blocks():
        return NO_SECRETS
    identities = read_identities(project)
    if not identities:
        raise missing_key(project, file.label)
    return _derived(str(identities[0]), name)


def _keep_salt(project: Project, name: str, *, is_first: bool) -> None:
    """Keep the salt for those who can read the secrets now: the one that was used so far, or a new one."""
    from secrets import token_hex

    file = kept_of(project, name)
    if is_first and _SALT not in file.blocks():
        value = token_hex(_SALT_BYTES)
    else:
        try:
            value = salt(project, name, file.texts()).hex()
        except ConfigError:  # who only adds secrets for others need not be able to read any
            return
    file.put(_SALT, Secret(value), every_file(project))


def _derived(identity: str, name: str) -> bytes:
    """32 bytes, HKDF-SHA256 (RFC 5869) of the identity, info the environment's name."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=name.encode()).derive(identity.encode())
