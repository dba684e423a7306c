"""The encrypted files of an environment: its secrets, and what Trellis itself made and keeps for it."""

import re

from trellis.environments.armored import ArmoredFile
from trellis.environments.loading import environment_file, environment_names
from trellis.environments.names import KEY_RULE, is_key
from trellis.environments.project import PROJECT_FILE, Project

_KEPT = re.compile(r"[a-z0-9][a-z0-9._-]*")


def secrets_of(project: Project, name: str) -> ArmoredFile:
    """The secrets that people set."""
    return ArmoredFile(
        project,
        environment_file(project, name).with_name(f"{name}.secrets.yaml"),
        f"Encrypted with age; written by trellis secret set. The key is outside {PROJECT_FILE}'s folder.",
        is_key,
        KEY_RULE,
        "trellis secret remove {key}, then set it anew",
    )


def kept_of(project: Project, name: str) -> ArmoredFile:
    """Keys and certificates that Trellis made; only Trellis edits it."""
    return ArmoredFile(
        project,
        environment_file(project, name).with_name(f"{name}.keys.yaml"),
        "Encrypted with age; keys and certificates that Trellis made. Keep it as you keep the secrets; do not edit it.",
        _is_kept,
        "small letters, digits, dots, _ and -",
        "put back this file as it was; without its old text {key} is lost: remove it, and Trellis makes a new one",
    )


def every_file(project: Project) -> tuple[ArmoredFile, ...]:
    """All encrypted files of the project's environments."""
    names = environment_names(project)
    return tuple(file for name in names for file in (secrets_of(project, name), kept_of(project, name)))


def _is_kept(text: object) -> bool:
    return isinstance(text, str) and _KEPT.fullmatch(text) is not None
