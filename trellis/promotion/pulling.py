"""Pulls a release into an environment's branch: checked, decided, merged in memory, and written in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from trellis.changes.composing import propose
from trellis.changes.model import Release
from trellis.changes.reading import Known, read
from trellis.changes.standing import reverted
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.environments.secrets import secret_keys
from trellis.errors import NotAuthorisedError
from trellis.promotion.applying import Prepared, settled
from trellis.promotion.chain import Asked, Overruling, decide, unpublished
from trellis.promotion.lacking import Lacks, lacking
from trellis.promotion.merges import by_content
from trellis.promotion.publications import refuse_rewound, remember
from trellis.promotion.records import Record
from trellis.promotion.upstreams import upstream_of
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.repository import Repository, opened


@dataclass(frozen=True, slots=True)
class Pull:
    """A release, ready to be merged.

    Attributes:
        release: what is pulled.
        environment: who pulls.
        prepared: the merge; None when the environment has the release already.
        lacks: what has to be known before.
    """

    release: Release
    environment: Environment
    prepared: Prepared | None
    lacks: Lacks


@contextmanager
def pulling(
    project: Project,
    name: str,
    version: str,
    overruling: Overruling | None,
    accepted: Sequence[str],
    now: datetime,
) -> Iterator[Pull]:
    """Prepare to pull a release; nothing is changed but refs of what was fetched and seen.

    Raises:
        PolicyError: it was not published, or something needs care.
        NotAuthorisedError: the publication cannot be trusted.
        ConflictError: it contradicts what the environment has.
        UsageError: there is no such release.
    """
    environment = load_environment(project, name)
    upstream = upstream_of(project, environment)
    with opened(project.root) as repository:
        upstream.refresh(repository)
        ledger = upstream.ledger(repository)
        refuse_rewound(repository, ledger, name)
        if ledger.texts:
            ledger.check(upstream.trust(), now)
            remember(repository, ledger, name)
        known = read(repository, f"{names.UPSTREAM}{name}/release/")
        release = upstream.release(known, version)
        imports = upstream.imports(known, release)
        record = ledger.authentic(version, upstream.trust(), now) if version in ledger.published else None
        if record is not None:
            _check(repository, project, release, record)
        reason = _decided(repository, known, environment, release, record, overruling)
        prepared = _prepared(repository, project, known, environment, release, reason, accepted)
        if prepared is None:
            tip = known.environments[name].commit
            blueprint = blueprint_of(repository, project, tip)
            yield Pull(release, environment, None, _lacks(project, environment, blueprint, blueprint))
            return
        prepared = replace(prepared, also=imports)
        proposal = prepared.proposal
        yield Pull(release, environment, prepared, _lacks(project, environment, proposal.before, proposal.blueprint))


def _lacks(project: Project, environment: Environment, before: object, after: object) -> Lacks:
    return lacking(before, after, environment.config, secret_keys(project, environment.name))  # type: ignore[arg-type]


def _check(repository: Repository, project: Project, release: Release, record: Record) -> None:
    """A publication speaks of this very tag and commit, and of what that commit means here."""
    where = f"release/{release.version}"
    if (record.tag, record.commit) != (release.tag, release.commit):
        raise NotAuthorisedError(
            "the tag is not the one that was published: it was moved, or the record is old", where=where
        )
    digest = blueprint_of(repository, project, release.commit).digest
    if digest != record.blueprint:
        raise NotAuthorisedError(
            f"its blueprint is {digest[:12]} here and was {record.blueprint[:12]} where it was published",
            where=where,
            hint="the same versions of Trellis and of plugins on both sides give the same blueprint",
        )


def _decided(
    repository: Repository,
    known: Known,
    environment: Environment,
    release: Release,
    record: Record | None,
    overruling: Overruling | None,
) -> str:
    """Ask the chain about everything that the branch would hold and Trellis did not decide before."""
    wanted = [release.commit]
    if environment.name in known.environments:
        wanted.append(known.environments[environment.name].commit)
    decided = repository.ref(f"{names.DECIDED}{environment.name}")
    had = [decided.commit] if decided else []
    published = [record.commit] if record else []
    empty = by_content(repository)
    loose = dict.fromkeys(thing for commit in wanted for thing in unpublished(known, commit, had, published, empty))
    if record is None and not loose and not _has(known, environment.name, release):
        loose = {f"release {release.version}": None}
    return decide(Asked(environment.name, environment.pulls_from, tuple(loose)), overruling)


def _has(known: Known, environment: str, release: Release) -> bool:
    ref = known.environments.get(environment)
    if ref is None:
        return False
    gone = reverted(known.graph, ref.commit)
    return known.graph.contains(ref.commit, release.commit) and not gone & release.changes.keys()


def _prepared(
    repository: Repository,
    project: Project,
    known: Known,
    environment: Environment,
    release: Release,
    reason: str,
    accepted: Sequence[str],
) -> Prepared | None:
    if _has(known, environment.name, release):
        return None
    title = f"Pull release {release.version}"
    proposal = propose(repository, project, known, environment.name, release.commit, release.changes, title)
    proposal = replace(proposal, trailers=((names.RELEASE, release.version),))
    meant = [item for name in release.changes if name in known.changes for item in known.changes[name].accepts]
    proposal = settled(environment, proposal, reason, (*accepted, *meant))
    summary = f"pulled {release.version}: {', '.join(release.changes)}"
    return Prepared(repository, proposal, summary, reason)
