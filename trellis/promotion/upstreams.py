"""Where an environment pulls from: its own repository, another one that git can fetch from, or a console."""

from dataclasses import dataclass
from typing import Protocol

from trellis.changes.model import Release
from trellis.changes.reading import Known, release_of
from trellis.environments.model import ConsoleAccess, Environment
from trellis.environments.project import Project
from trellis.errors import PolicyError
from trellis.promotion.publications import Ledger, read_ledger
from trellis.revisions import names
from trellis.revisions.repository import RefChange, Repository
from trellis.signing.envelope import Trust
from trellis.signing.trust import load_trust


class Upstream(Protocol):
    """What an environment pulls from."""

    def refresh(self, repository: Repository) -> None:
        """Bring releases and publications to this machine."""
        ...

    def ledger(self, repository: Repository) -> Ledger:
        """The publications, as last brought here. Raises `NotAuthorisedError` when their chain is broken."""
        ...

    def trust(self) -> Trust:
        """Whose publications are believed. Raises `NotAuthorisedError` when nobody's are."""
        ...

    def release(self, known: Known, version: str) -> Release:
        """A release, as last brought here. Raises `UsageError` when there is none."""
        ...

    def imports(self, known: Known, release: Release) -> tuple[RefChange, ...]:
        """The refs with which a release becomes one of this repository."""
        ...


@dataclass(frozen=True, slots=True)
class SameRepository:
    """An environment of the same repository."""

    project: Project
    environment: Environment

    def refresh(self, repository: Repository) -> None:
        """Nothing to do: it is here."""

    def ledger(self, repository: Repository) -> Ledger:
        """Of the environment that this one pulls from."""
        return read_ledger(repository, self.environment.pulls_from)

    def trust(self) -> Trust:
        """As the project's own file says."""
        return load_trust(self.project, self.environment.pulls_from)

    def release(self, known: Known, version: str) -> Release:
        """The release's tag."""
        return known.release(version)

    def imports(self, known: Known, release: Release) -> tuple[RefChange, ...]:  # noqa: ARG002 - as the contract has it
        """None: it is one already."""
        return ()


@dataclass(frozen=True, slots=True)
class GitUpstream:
    """An environment of another repository, at a URL that git can fetch from."""

    project: Project
    environment: Environment

    @property
    def _refs(self) -> str:
        return f"{names.UPSTREAM}{self.environment.name}/"

    def refresh(self, repository: Repository) -> None:
        """Fetch tags of releases and publications, to refs of their own."""
        self._fetch(repository, self.environment.upstream)

    def _fetch(self, repository: Repository, source: str) -> None:
        wanted = (
            f"+{names.RELEASES}*:{self._refs}release/*",
            f"+{names.PUBLISHED}{self.environment.pulls_from}*:{self._refs}published/{self.environment.pulls_from}*",
        )
        repository.fetch(source, wanted)

    def ledger(self, repository: Repository) -> Ledger:
        """As fetched."""
        name = self.environment.pulls_from
        return read_ledger(repository, name, f"{self._refs}published/{name}")

    def trust(self) -> Trust:
        """As this project's own file says: the other one has no say in it."""
        return load_trust(self.project, self.environment.pulls_from)

    def release(self, known: Known, version: str) -> Release:
        """The tag as fetched; one that this repository has under the same name must be the same."""
        ref = known.others.get(f"{self._refs}release/{version}")
        if ref is None:
            return known.release(version)
        return release_of(known.graph.commits[ref.commit], version, ref.object)

    def imports(self, known: Known, release: Release) -> tuple[RefChange, ...]:
        """The tag, where this repository lacks it."""
        there = known.releases.get(release.version)
        if there is None:
            from trellis.revisions.repository import NOTHING

            return (RefChange(f"{names.RELEASES}{release.version}", release.tag, NOTHING),)
        if there.tag != release.tag:
            from trellis.errors import NotAuthorisedError

            raise NotAuthorisedError(
                f"release {release.version} is another one here than at {self.environment.upstream}",
                where=f"release/{release.version}",
            )
        return ()


@dataclass(frozen=True, slots=True)
class ConsoleUpstream(GitUpstream):
    """An environment of another project, whose console serves its publications; what comes is checked as git's is."""

    access: ConsoleAccess

    def refresh(self, repository: Repository) -> None:
        """Fetch them as a bundle, to refs of their own."""
        from trellis.console.fetching import fetched

        with fetched(self.environment.upstream, self.access, self.environment.pulls_from) as bundle:
            self._fetch(repository, str(bundle))


def upstream_of(project: Project, environment: Environment) -> Upstream:
    """What an environment pulls from.

    Raises:
        PolicyError: it pulls from nobody.
    """
    if not environment.pulls_from:
        raise PolicyError(
            f"{environment.name} pulls from nobody",
            where=f"environments/{environment.name}.yaml",
            hint=f"trellis change apply NAME -e {environment.name}, or say there: pulls_from: ENVIRONMENT",
        )
    if environment.console:
        return ConsoleUpstream(project, environment, environment.console)
    return GitUpstream(project, environment) if environment.upstream else SameRepository(project, environment)
