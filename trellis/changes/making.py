"""Makes change-sets: started, written to, dropped; the user's checkout stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trellis.changes.errors import ConflictError
from trellis.changes.model import ChangeSet
from trellis.changes.reading import Known, read
from trellis.changes.standing import active
from trellis.environments.project import Project
from trellis.errors import PolicyError, UsageError
from trellis.overrides.file import changed
from trellis.overrides.model import OVERRIDES_FILE
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.merging import three_way
from trellis.revisions.repository import NOTHING, RefChange, Repository


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a change-set says about itself.

    Attributes:
        name: the branch is ``change/<name>``.
        title: one line.
        version: its version tag, which may be empty.
        notes: migration notes: what operators should know or do.
        accepts: what needs care and is meant so.
        after: change-sets that it builds on.
    """

    name: str
    title: str
    version: str = ""
    notes: str = ""
    accepts: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def start(repository: Repository, sheet: Sheet) -> str:
    """Start a change-set from main, or on top of others; the id of its first commit.

    Raises:
        UsageError: its name is taken or cannot be one, or there is no main.
        ConflictError: what it builds on contradicts itself.
    """
    name = names.checked_name(sheet.name, "change-set")
    known = read(repository)
    if name in known.changes:
        raise UsageError(f"there is a change-set {name} already", hint=f"trellis change show {name}")
    from trellis.changes.composing import composed

    tips = [known.change(other).tip for other in sheet.after]
    base = composed(repository, tips, f"Bring together what {name} builds on") if tips else repository.main().commit
    trailers = [(names.CHANGE, name), *([(names.VERSION, sheet.version)] if sheet.version else [])]
    trailers += [(names.ACCEPTS, item) for item in sheet.accepts]
    text = names.message(sheet.title or name, sheet.notes, trailers)
    made = repository.commit(repository.tree(base), [base], text)
    repository.update([RefChange(f"{names.CHANGES}{name}", made, NOTHING)], reason=f"start {name}")
    return made


def commit_edits(repository: Repository, name: str, text: str) -> str | None:
    """Commit the working tree's edits to a change-set; None when it has them already.

    The edits are what differs from what is checked out, untracked files included and environments left out. Where the
    change-set itself is checked out, they are committed there; elsewhere they stay in the working tree too.

    Raises:
        ConflictError: they do not fit on the change-set; nothing was changed.
    """
    change = read(repository).change(name)
    if change.checked_out:
        return repository.commit_checked_out(change.checked_out, text)
    edited = repository.snapshot()
    base, ours = repository.tree(repository.head()), repository.tree(change.tip)
    merged = three_way(repository, base, ours, edited)
    if merged.conflicts:
        raise ConflictError(f"the edits do not fit on {name}", merged.conflicts, hint=f"git switch change/{name}")
    return None if merged.tree == ours else _advance(repository, change, merged.tree, text)


def set_attributes(
    repository: Repository, project: Project, name: str, values: Mapping[str, object | None]
) -> str | None:
    """Set attributes of the stack in a change-set; None removes one. All of them, or nothing.

    Raises:
        ConfigError: an attribute is not there, or a value is none that it can have.
        StackError: the change-set's program is at fault.
    """
    change = read(repository).change(name)
    before = repository.file(change.tip, OVERRIDES_FILE) or ""
    after = changed(before, values)
    if after == before:
        return None
    if change.checked_out:
        raise UsageError(
            f"change/{name} is checked out in {change.checked_out}",
            hint=f"there, leave out --change, then: trellis change commit {name}",
        )
    tree = repository.changed_tree(repository.tree(change.tip), {OVERRIDES_FILE: after or None})
    blueprint_of(repository, project, tree)
    return _advance(repository, change, tree, _sentence(values))


def drop(repository: Repository, name: str) -> str:
    """Remove a change-set's branch; the id of what it was.

    Raises:
        PolicyError: an environment runs it.
        UsageError: it is checked out.
    """
    known = read(repository)
    change = known.change(name)
    running = environments_with(known, name)
    if running:
        undo = "; ".join(f"trellis change revert {name} -e {environment}" for environment in running)
        raise PolicyError(f"{name} is applied in {', '.join(running)}", hint=undo)
    if change.checked_out:
        raise UsageError(f"change/{name} is checked out in {change.checked_out}", hint="git switch main")
    repository.update([RefChange(f"{names.CHANGES}{name}", NOTHING, change.tip)], reason=f"drop {name}")
    return change.tip


def environments_with(known: Known, name: str) -> Sequence[str]:
    """The environments that have a change-set, or a part of it."""
    return [place for place, ref in sorted(known.environments.items()) if name in active(known, ref.commit)]


def _advance(repository: Repository, change: ChangeSet, tree: str, text: str) -> str:
    made = repository.commit(tree, [change.tip], names.message(text, "", []))
    ref = RefChange(f"{names.CHANGES}{change.name}", made, change.tip)
    repository.update([ref], reason=f"commit to {change.name}")
    return made


def _sentence(values: Mapping[str, object | None]) -> str:
    said = [f"unset {key}" if value is None else f"set {key} to {value}" for key, value in values.items()]
    return (
        f"{said[0][0].upper()}{said[0][1:]}" if len(said) == 1 else f"Set {len(said)} attributes: {', '.join(values)}"
    )
