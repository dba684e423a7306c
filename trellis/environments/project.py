"""The project: the folder with trellis.yaml, and what that file says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trellis.environments.names import NAME_RULE, is_name
from trellis.environments.reading import (
    Problems,
    check_keys,
    mapping_at,
    parse_mapping,
    read_text,
    text_at,
    texts_at,
)
from trellis.errors import ConfigError

PROJECT_FILE = "trellis.yaml"
KEYS = ("stack", "default_environment", "state", "secrets", "placement")
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Project:
    """A project, as its trellis.yaml describes it.

    Attributes:
        root: the absolute folder that holds trellis.yaml.
        name: the folder's name; the age identity is kept under it.
        stack_file: the absolute path of the stack program.
        default_environment: the environment when a command names none, if there is one.
        state_url: where the state is kept, an SQLAlchemy URL; SQLite in the project when the file says nothing.
        recipients: age public keys that secrets are encrypted to; none means the identity's own.
        solver: the placement solver's name; None lets the size of the problem choose.
        solver_seconds: after which a search for places answers with the best that it has.
    """

    root: Path
    name: str
    stack_file: Path
    default_environment: str | None
    state_url: str
    recipients: tuple[str, ...]
    solver: str | None = None
    solver_seconds: float = _SECONDS


def find_project(start: Path) -> Project:
    """The project of a folder: the nearest one upwards with a trellis.yaml.

    Raises:
        ConfigError: there is none, or its file is at fault.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return _read(folder)
    raise ConfigError(f"there is no {PROJECT_FILE} here or in a folder above", where=str(start), hint="trellis init")


def _read(root: Path) -> Project:
    document = parse_mapping(read_text(root / PROJECT_FILE, PROJECT_FILE), PROJECT_FILE)
    problems = Problems(PROJECT_FILE)
    check_keys(document, KEYS, "", problems)
    placement = mapping_at(document, "placement", "", problems)
    check_keys(placement, ("solver", "seconds"), "placement", problems)
    project = Project(
        root=root,
        name=root.name or "root",
        stack_file=root / (text_at(document, "stack", "", problems) or "stack.py"),
        default_environment=_default_environment(document, problems),
        state_url=_state_url(root, text_at(document, "state", "", problems)),
        recipients=_recipients(document, problems),
        solver=text_at(placement, "solver", "placement", problems),
        solver_seconds=_seconds(placement, problems),
    )
    problems.refuse()
    return project


def _state_url(root: Path, configured: str | None) -> str:
    """The URL with an SQLite file's path made absolute: commands run in any folder of the project."""
    url = configured or "sqlite:///.trellis/state.db"
    path = url.removeprefix("sqlite:///")
    return f"sqlite:///{root / path}" if url != path else url


def _default_environment(document: Mapping[object, object], problems: Problems) -> str | None:
    name = text_at(document, "default_environment", "", problems)
    if name is not None and not is_name(name):
        problems.add("default_environment", f"not a name: use {NAME_RULE}")
    return name


def _recipients(document: Mapping[object, object], problems: Problems) -> tuple[str, ...]:
    secrets = mapping_at(document, "secrets", "", problems)
    check_keys(secrets, ("recipients",), "secrets", problems)
    return texts_at(secrets, "recipients", "secrets", problems)


def _seconds(placement: Mapping[object, object], problems: Problems) -> float:
    value = placement.get("seconds", _SECONDS)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        problems.add("placement.seconds", "must be a number of seconds, from above 0 to 3600")
        return _SECONDS
    return float(value)
