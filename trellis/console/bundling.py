"""Packs what an environment has published, with the history that it needs, into one file that git can fetch from."""

from collections.abc import Sequence
from pathlib import Path

from trellis.environments.project import Project
from trellis.errors import NotAuthorisedError
from trellis.promotion.publications import read_ledger
from trellis.revisions import names
from trellis.revisions.repository import Repository, opened


def publications_of(project: Project, environment: str) -> tuple[str, ...]:
    """The refs that a puller needs: the ledger, and the tags of the releases in it; none before.

    A withdrawn release's tag is left out; the record that withdraws it is not.
    """
    with opened(project.root) as repository:
        kept = repository.ref(f"{names.PUBLISHED}{environment}")
        if kept is None:
            return ()
        return (kept.name, *_tags(repository, environment))


def _tags(repository: Repository, environment: str) -> tuple[str, ...]:
    """The tags of what is published; none when the ledger was tampered with, which who pulls is to see and refuse."""
    try:
        versions = read_ledger(repository, environment).published
    except NotAuthorisedError:
        return ()
    return tuple(repository.refs(*(f"{names.RELEASES}{version}" for version in versions))) if versions else ()


def write_bundle(project: Project, refs: Sequence[str], file: Path) -> None:
    """Write a bundle of refs (git-bundle(1)). Raises `TrellisError` when git fails."""
    with opened(project.root) as repository, repository.explained():
        repository.raw().git.bundle("create", "--quiet", str(file), *refs)
