"""Makes releases: a tag over a commit that merges change-sets, exactly these."""

from collections.abc import Sequence

from trellis.changes.composing import composed
from trellis.changes.model import Release
from trellis.changes.reading import Known, read
from trellis.environments.project import Project
from trellis.errors import UsageError
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.repository import NOTHING, RefChange, Repository


def create(repository: Repository, project: Project, version: str, changes: Sequence[str]) -> Release:
    """Merge change-sets and tag the result.

    Raises:
        UsageError: the version is taken, a change-set is not there, or one builds on others that are not named.
        ConflictError: two of them contradict each other.
        StackError: together they make no stack.
    """
    names.checked_name(version, "release")
    known = read(repository)
    if version in known.releases:
        raise UsageError(f"there is a release {version} already", hint=f"trellis release show {version}")
    chosen = {name: known.change(name).tip for name in dict.fromkeys(changes)}
    if not chosen:
        raise UsageError("a release needs a change-set", hint=f"trellis release create {version} --changes NAME,NAME")
    base = composed(repository, list(chosen.values()), f"Bring together release {version}")
    _refuse_unnamed(known, list(chosen))
    blueprint_of(repository, project, base)
    trailers = [(names.RELEASE, version), *((names.CONTAINS, f"{name} {tip}") for name, tip in chosen.items())]
    title = f"Release {version}: {', '.join(chosen)}"
    commit = repository.commit(repository.tree(base), [base], names.message(title, "", trailers))
    tag = repository.tag(f"release/{version}", commit, f"{title}\n")
    repository.update([RefChange(f"{names.RELEASES}{version}", tag, NOTHING)], reason=f"release {version}")
    return Release(version, tag, commit, chosen)


def _refuse_unnamed(known: Known, chosen: Sequence[str]) -> None:
    """A change-set that builds on another one brings it along; that has to be said."""
    for name in chosen:
        brought = [
            other.name
            for other in known.changes.values()
            if other.name not in chosen
            and known.graph.contains(known.changes[name].tip, other.start)
            and not (known.main and known.graph.contains(known.main.commit, other.start))
        ]
        if brought:
            everything = ",".join((*brought, *chosen))
            raise UsageError(
                f"{name} builds on {', '.join(brought)}, which it would bring along", hint=f"--changes {everything}"
            )
