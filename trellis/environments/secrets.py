"""Secrets of an environment: age-encrypted one by one, in a file that may be in git."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from trellis.environments.identity import KEY_FILE_VARIABLE, create_identity, identity_file, read_identities
from trellis.environments.loading import FOLDER, check_exists, environment_file, environment_names
from trellis.environments.names import KEY_RULE, is_key
from trellis.environments.project import PROJECT_FILE, Project
from trellis.environments.reading import Problems, near_miss, parse_mapping, read_text
from trellis.environments.writing import exclusive, write_file
from trellis.errors import ConfigError
from trellis_dsl.secret import Secret

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

NO_IDENTITY = b"no-identity"
"""The salt where there is neither an identity nor a secret that a fingerprint could be made of."""

_ARMOR = "-----BEGIN AGE ENCRYPTED FILE-----"


def secrets_file(project: Project, name: str) -> Path:
    """The absolute path of an environment's secrets, which need not exist."""
    return environment_file(project, name).with_name(f"{name}.secrets.yaml")


def secret_keys(project: Project, name: str) -> tuple[str, ...]:
    """The keys of an environment's secrets, sorted; no identity is needed. Raises `ConfigError`."""
    return tuple(sorted(_read(project, name)))


def load_secrets(project: Project, name: str) -> Mapping[str, Secret]:
    """An environment's secrets by key.

    Raises:
        ConfigError: the identity is missing or not the right one, or the file is damaged.
    """
    blocks = _read(project, name)
    if not blocks:
        return MappingProxyType({})
    identities = read_identities(project)
    if not identities:
        raise _missing_key(project, name)
    opened = {key: _open(block, identities, project, f"{_label(name)}: {key}") for key, block in blocks.items()}
    return MappingProxyType(opened)


def set_secret(project: Project, name: str, key: str, value: Secret) -> None:
    """Encrypt a secret to the project's recipients and write it; the first one makes the identity.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigError: a bad key, an empty value, a bad recipient, or other secrets that this identity cannot read.
    """
    from pyrage import encrypt

    check_exists(project, name)
    if not is_key(key):
        raise ConfigError(f"{key!r} is not a key of a secret", hint=f"use {KEY_RULE}")
    if not value:
        raise ConfigError("a secret cannot be empty", where=key, hint=f"trellis secret remove {key}")
    with exclusive(secrets_file(project, name).parent):
        others = {other: block for other, block in _read(project, name).items() if other != key}
        armored = encrypt(value.reveal().encode(), _recipients(project, name, others), armored=True).decode()
        _write(project, name, {**others, key: armored})


def remove_secret(project: Project, name: str, key: str) -> None:
    """Remove a secret; no identity is needed. Raises `ConfigError` when there is none of that key."""
    check_exists(project, name)
    with exclusive(secrets_file(project, name).parent):
        blocks = _read(project, name)
        if key not in blocks:
            raise ConfigError(f"there is no secret {key}{near_miss(key, blocks)}", where=_label(name))
        del blocks[key]
        _write(project, name, blocks)


def salt(project: Project, name: str) -> bytes:
    """The salt of an environment's fingerprints: 32 bytes, HKDF-SHA256 (RFC 5869) of the identity, info its name.

    Without an identity it is `NO_IDENTITY`, which is safe only where there are no secrets.

    Raises:
        ConfigError: there are secrets but no identity.
    """
    identities = read_identities(project)
    if not identities and _read(project, name):
        raise _missing_key(project, name)
    return _derived(str(identities[0]), name) if identities else NO_IDENTITY


def _derived(identity: str, name: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=name.encode()).derive(identity.encode())


def _label(name: str) -> str:
    return f"{FOLDER}/{name}.secrets.yaml"


def _missing_key(project: Project, name: str) -> ConfigError:
    what = f"there is no key at {identity_file(project)} to read the secrets with"
    hint = f"copy it from who wrote them, or set {KEY_FILE_VARIABLE} to its path"
    return ConfigError(what, where=_label(name), hint=hint)


def _read(project: Project, name: str) -> dict[str, str]:
    """The armored blocks by key; empty when there is no file."""
    path = secrets_file(project, name)
    if not path.exists():
        return {}
    problems = Problems(_label(name))
    blocks: dict[str, str] = {}
    for key, block in parse_mapping(read_text(path, problems.label), problems.label).items():
        if not is_key(key):
            problems.add(str(key), f"not a key: use {KEY_RULE}")
        elif not isinstance(block, str) or not block.startswith(_ARMOR):
            problems.add(str(key), "not encrypted: it must be an armored age file")
        else:
            blocks[str(key)] = block
    problems.refuse(hint="remove the line, then trellis secret set KEY; change a value that stood here in clear text")
    return blocks


def _write(project: Project, name: str, blocks: Mapping[str, str]) -> None:
    """Write the file; every line of a block is indented under its key."""
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import LiteralScalarString

    out = StringIO()
    out.write(f"# Encrypted with age; written by trellis secret set. The key is outside {PROJECT_FILE}'s folder.\n")
    YAML().dump({key: LiteralScalarString(blocks[key]) for key in sorted(blocks)}, out)
    write_file(secrets_file(project, name), out.getvalue())


def _recipients(project: Project, name: str, others: Mapping[str, str]) -> Sequence["Recipient"]:
    """Whom a new secret is encrypted to: those of trellis.yaml, else the identity, made when there is none."""
    if project.recipients:
        return [_recipient(text, index) for index, text in enumerate(project.recipients)]
    identities = read_identities(project)
    if not identities:
        _refuse_second_key(project)
        create_identity(project)
        identities = read_identities(project)
    for key, block in others.items():
        _open(block, identities, project, f"{_label(name)}: {key}")  # two keys in one file: nobody could read all of it
    return [identity.to_public() for identity in identities]


def _refuse_second_key(project: Project) -> None:
    """Raise unless the project has no secrets yet: those there are were written with a key that is elsewhere."""
    for name in environment_names(project):
        if _read(project, name):
            raise _missing_key(project, name)


def _recipient(text: str, index: int) -> "Recipient":
    from pyrage import RecipientError
    from pyrage.x25519 import Recipient

    try:
        return Recipient.from_str(text)
    except RecipientError:
        where = f"{PROJECT_FILE}: secrets.recipients[{index}]"
        hint = "a public key starts with age1; the key file shows it"
        raise ConfigError("not an age public key", where=where, hint=hint) from None


def _open(block: str, identities: Sequence["Identity"], project: Project, where: str) -> Secret:
    """Decrypt one block."""
    from pyrage import DecryptError, decrypt

    try:
        return Secret(decrypt(block.encode(), identities).decode())
    except DecryptError as fault:
        wrong_key = "no matching key" in str(fault).lower()
    except UnicodeDecodeError:
        wrong_key = False
    # Raised out here so that the refusal carries no error that holds the text.
    if wrong_key:
        what = f"the key at {identity_file(project)} is not one that this secret was encrypted to"
        raise ConfigError(what, where=where, hint=f"set {KEY_FILE_VARIABLE} to the right key, or ask to be a recipient")
    key = where.rpartition(" ")[2]
    raise ConfigError(
        "damaged: it cannot be decrypted", where=where, hint=f"trellis secret remove {key}, then set it anew"
    )
