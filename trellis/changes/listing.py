"""What `change list` and `change show` tell."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial

from trellis.changes.care import Care, needs_care
from trellis.changes.differences import Difference, differences
from trellis.changes.model import ChangeSet, Row
from trellis.changes.reading import read
from trellis.changes.standing import matrix
from trellis.environments.loading import environment_names, load_environment
from trellis.environments.project import Project
from trellis.errors import TrellisError
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.merging import conflicting
from trellis.revisions.repository import Repository


@dataclass(frozen=True, slots=True)
class Shown:
    """A change-set in full: what it does, and what of that needs care."""

    change: ChangeSet
    base: str
    notes: str
    differences: tuple[Difference, ...]
    cares: tuple[Care, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        change = self.change
        version = f", version {change.version}" if change.version else ""
        yield f"{change.name}: {change.title}{version}, by {change.author} on {change.written[:10]}"
        if self.notes:
            yield f"notes: {self.notes}"
        yield from (str(item) for item in self.differences)
        yield from (f"! {care.sentence}" for care in self.cares)
        if not self.differences:
            yield "the stack means the same with it"

    def as_json(self) -> dict[str, object]:
        """For programs."""
        change = self.change
        return {
            "name": change.name,
            "title": change.title,
            "version": change.version,
            "author": change.author,
            "written": change.written,
            "notes": self.notes,
            "accepts": list(change.accepts),
            "commit": change.tip,
            "differences": [asdict(item) for item in self.differences],
            "needs_care": [asdict(care) for care in self.cares],
        }


def shown(repository: Repository, project: Project, name: str) -> Shown:
    """A change-set and the semantic difference that it makes to what it was cut from.

    Raises:
        UsageError: there is none of that name.
        StackError: its program is at fault.
    """
    known = read(repository)
    change = known.change(name)
    base = next(iter(known.graph.commits[change.start].parents), change.start)
    before, after = blueprint_of(repository, project, base), blueprint_of(repository, project, change.tip)
    roles = {role.name for role in before.roles} | carried_roles(project)
    cares = needs_care(before, after, roles, change.accepts)
    return Shown(change, base, repository.text(change.start), differences(before, after), cares)


def carried_roles(project: Project) -> set[str]:
    """Roles that hosts of any environment carry; an environment whose file is at fault tells of none."""
    found: set[str] = set()
    for name in environment_names(project):
        with suppress(TrellisError):
            found |= {role for host in load_environment(project, name).hosts.values() for role in host.roles}
    return found


def list_changes(repository: Repository, environments: Sequence[str]) -> tuple[Row, ...]:
    """The matrix of change-sets and environments."""
    return matrix(read(repository), environments, partial(conflicting, repository))


def environments_in_order(project: Project) -> tuple[str, ...]:
    """The project's environments, each after the one that it pulls from; others by name.

    An environment whose file is at fault stands where its name does.
    """
    upstream: Mapping[str, str] = {name: _pulls_from(project, name) for name in environment_names(project)}
    ordered: list[str] = []

    def add(name: str, seen: frozenset[str]) -> None:
        if name in upstream and name not in ordered and name not in seen:
            add(upstream[name], seen | {name})
            ordered.append(name)

    for name in upstream:
        add(name, frozenset())
    return tuple(ordered)


def _pulls_from(project: Project, name: str) -> str:
    try:
        return load_environment(project, name).pulls_from
    except TrellisError:
        return ""
