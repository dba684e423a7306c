"""The age identity that a project's secrets are read with; kept outside the project."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.environments.project import Project
from trellis.environments.reading import read_text
from trellis.environments.writing import write_file
from trellis.errors import ConfigError

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

KEY_FILE_VARIABLE = "TRELLIS_KEY_FILE"
_PREFIX = "AGE-SECRET-KEY-"


def identity_file(project: Project) -> Path:
    """Where the identity is kept: ``TRELLIS_KEY_FILE``, else ``~/.config/trellis/keys/<project>.txt``."""
    chosen = os.environ.get(KEY_FILE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path.home() / ".config" / "trellis" / "keys" / f"{project.name}.txt"


def read_identities(project: Project) -> list["Identity"]:
    """The identities in the project's key file, in its order; empty when there is no file.

    Raises:
        ConfigError: the file is open to others, or holds no age identity.
    """
    path = identity_file(project)
    if not path.exists():
        return []
    if path.stat().st_mode & 0o077:
        raise ConfigError("others may read this key", where=str(path), hint=f"chmod 600 {path}")
    lines = [line.strip() for line in read_text(path, str(path)).splitlines()]
    found = [_parse(line, path) for line in lines if line and not line.startswith("#")]
    if not found:
        raise _no_identity(path)
    return found


def _parse(line: str, path: Path) -> "Identity":
    """One identity; the refusal never shows the line, nor keeps the parser's error, which may."""
    from pyrage import IdentityError
    from pyrage.x25519 import Identity

    try:
        return Identity.from_str(line)
    except IdentityError:
        raise _no_identity(path) from None


def _no_identity(path: Path) -> ConfigError:
    hint = f"put back the file that age-keygen or trellis wrote, or set {KEY_FILE_VARIABLE}"
    return ConfigError(f"holds no age identity, a line that starts with {_PREFIX}", where=str(path), hint=hint)


def create_identity(project: Project) -> str:
    """Make the project's identity and write its key file, mode 0600, as age-keygen does.

    Returns:
        its public key, ``age1…``, which may be shared.

    Raises:
        ConfigError: there is a key file already, or it would lie in the project.
    """
    from pyrage.x25519 import Identity

    path = identity_file(project)
    if path.exists():
        raise ConfigError("there is a key already", where=str(path), hint="move it aside to make a new one")
    if path.resolve().is_relative_to(project.root):
        hint = f"set {KEY_FILE_VARIABLE} to a path outside {project.root}"
        raise ConfigError("a key must not lie in the project", where=str(path), hint=hint)
    identity = Identity.generate()
    public = str(identity.to_public())
    created = datetime.now(UTC).isoformat(timespec="seconds")
    write_file(path, f"# created: {created}\n# public key: {public}\n{identity}\n", mode=0o600)
    return public
