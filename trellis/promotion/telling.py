"""What `release show`, `status` and `diff` tell of releases and environments."""

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.changes.differences import differences
from trellis.changes.reading import Known, read
from trellis.changes.standing import active
from trellis.environments.loading import environment_names
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import NotAuthorisedError, TrellisError, UsageError
from trellis.promotion.chain import never_ran
from trellis.promotion.publications import read_ledger
from trellis.promotion.upstreams import upstream_of
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.repository import Repository, opened_if_any


def release_document(repository: Repository, project: Project, version: str) -> dict[str, Any]:
    """A release: what it holds, and which environments run and published it."""
    known = read(repository)
    release = known.release(version)
    return {
        "version": version,
        "tag": release.tag,
        "commit": release.commit,
        "by": release.author,
        "on": release.written,
        "changes": [
            {"name": name, "commit": tip, "title": known.changes[name].title if name in known.changes else ""}
            for name, tip in release.changes.items()
        ],
        "environments": {name: _state(repository, known, name, version) for name in environment_names(project)},
    }


def _state(repository: Repository, known: Known, environment: str, version: str) -> dict[str, Any]:
    release, ref = known.release(version), known.environments.get(environment)
    has = active(known, ref.commit) if ref else {}
    try:
        record = read_ledger(repository, environment).published.get(version)
    except NotAuthorisedError as fault:
        return {"runs": False, "published": None, "problem": fault.what}
    runs = bool(has) and all(
        name in has and known.graph.contains(ref.commit if ref else "", tip) for name, tip in release.changes.items()
    )
    return {"runs": runs, "published": record.as_json() if record else None}


def release_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """For people."""
    yield f"release {document['version']} at {document['commit'][:10]}, by {document['by']} on {document['on'][:10]}"
    yield from (f"  holds {change['name']}: {change['title']}" for change in document["changes"])
    for name, state in document["environments"].items():
        record = state["published"]
        said = f", published on {record['at'][:10]}: {record['outcome']}" if record else ""
        yield f"  {name}: {'has it' if state['runs'] else 'does not have it'}{said}"


def differing(project: Project, repository: Repository, one: str, other: str) -> dict[str, Any]:
    """What two environments do not have in common: change-sets, and what their stacks say."""
    known = read(repository)
    left, right = (_revision(known, name) for name in (one, other))
    mine, theirs = active(known, left), active(known, right)
    before, after = blueprint_of(repository, project, right), blueprint_of(repository, project, left)
    only = [name for name in mine if name not in theirs]
    partly = [
        name
        for name in mine
        if name in theirs and known.graph.contains(left, mine[name].tip) != known.graph.contains(right, mine[name].tip)
    ]
    return {
        "environments": [one, other],
        "only": {one: only, other: [name for name in theirs if name not in mine]},
        "partly": partly,
        "blueprint": [
            {"kind": item.kind, "subject": item.subject, other: item.before, one: item.after}
            for item in differences(before, after)
        ],
        "lines": [str(item) for item in differences(before, after)],
    }


def _revision(known: Known, environment: str) -> str:
    ref = known.environments.get(environment)
    if ref is not None:
        return ref.commit
    if known.main is None:
        raise UsageError(f"{environment} has no branch, and there is no main", hint=f"trellis up -e {environment}")
    return known.main.commit


def standing_lines(project: Project, environment: Environment) -> list[str]:
    """What `status` says of an environment that runs a branch: the revision, and what the chain has to say about it."""
    try:
        with opened_if_any(project.root) as repository:
            return [] if repository is None else _standing_lines(project, repository, environment)
    except TrellisError as fault:
        return [f"revision: {fault}"]


def _standing_lines(project: Project, repository: Repository, environment: Environment) -> list[str]:
    ref = repository.ref(f"{names.ENVIRONMENTS}{environment.name}")
    if ref is None:
        return []
    lines = [f"revision: env/{environment.name} at {ref.commit[:10]}"]
    if not environment.pulls_from:
        return lines
    known = read(repository)
    upstream = [other.commit for name, other in known.environments.items() if name == environment.pulls_from]
    ledger = upstream_of(project, environment).ledger(repository)
    upstream += [record.commit for record in ledger.records if record.kind == "published"]
    for thing, reason in never_ran(known, ref.commit, upstream).items():
        why = f"; overruled: {reason}" if reason else ""
        lines.append(f"! {environment.name} runs {thing}, which {environment.pulls_from} never did{why}")
    withdrawn = [
        version
        for version, release in known.releases.items()
        if version not in ledger.published
        and any(record.release == version for record in ledger.records)
        and known.graph.contains(ref.commit, release.commit)
    ]
    lines += [f"! {environment.name} has release {name}, which {environment.pulls_from} withdrew" for name in withdrawn]
    return lines
