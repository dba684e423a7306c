"""Prepares an extraction from a program, and writes it into a change-set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trellis.changes import making
from trellis.changes.care import Care, needs_care
from trellis.changes.differences import Difference, differences
from trellis.changes.extracting import Asked, Extraction, extraction, without_hosts
from trellis.changes.reading import read
from trellis.environments.loading import environment_names, load_environment
from trellis.environments.project import Project
from trellis.evaluating import evaluate_without_overrides
from trellis.loading import load_stack
from trellis.overrides.file import apply_text, changed, parsed
from trellis.overrides.model import OVERRIDES_FILE
from trellis.revisions.programs import Program, written
from trellis.revisions.repository import Repository


@dataclass(frozen=True, slots=True)
class Extracted:
    """An extraction, what it means for the stack, what needs care, and in which environments hosts are missing."""

    extraction: Extraction
    differences: tuple[Difference, ...]
    cares: tuple[Care, ...]
    missing: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from (str(item) for item in self.differences)
        yield from (f'! {care.sentence}: --accept "{care.what}"' for care in self.cares)


def prepared(project: Project, program: Program, asked: Asked, accepted: Sequence[str] = ()) -> Extracted:
    """What is to be set over a program; nothing is written.

    Raises:
        UsageError, PolicyError: as `extraction` says.
    """
    plain = evaluate_without_overrides(load_stack(program.stack_file), program.root)
    file = program.root / OVERRIDES_FILE
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    carried = {name: _carried(project, name) for name in environment_names(project)}
    now = apply_text(plain, text)
    found = extraction(plain, now, {str(key): value for key, value in parsed(text).items()}, asked, carried)
    after = apply_text(plain, changed(text, found.values))
    roles = [name for names in carried.values() for name in names]
    cares = needs_care(now, after, roles, accepted)
    return Extracted(found, differences(now, after), cares, tuple(without_hosts(found.target, carried)))


def extract_in_change(
    repository: Repository, project: Project, asked: Asked, name: str, accepted: Sequence[str]
) -> Extracted:
    """Write an extraction into a change-set, which is started when there is none of that name.

    Raises:
        UsageError, PolicyError: it cannot be; no change-set was started.
    """
    known = read(repository)
    there = known.changes.get(name)
    tip = known.change(name).tip if there else repository.main().commit
    agreed = (*accepted, *(there.accepts if there else ()))
    found = prepared(project, written(repository, project, tip), asked, agreed)
    if there is None:
        making.start(repository, making.Sheet(name, found.extraction.title, accepts=tuple(accepted)))
    making.set_attributes(repository, project, name, found.extraction.values)
    return found


def _carried(project: Project, environment: str) -> tuple[str, ...]:
    hosts = load_environment(project, environment).hosts.values()
    return tuple(sorted({role for host in hosts for role in host.roles}))
