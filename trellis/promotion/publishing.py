"""Publishes a release for the next environment, and takes a publication back."""

from dataclasses import dataclass
from datetime import datetime

from trellis.changes.model import Release
from trellis.changes.reading import Known, read
from trellis.changes.standing import reverted
from trellis.environments.project import Project
from trellis.errors import ConfigError, PolicyError, UsageError
from trellis.pki.model import Credentials
from trellis.promotion.chain import unpublished
from trellis.promotion.merges import by_content
from trellis.promotion.publications import added, next_record, read_ledger
from trellis.promotion.records import Record
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.repository import Ref, Repository
from trellis.signing.keys import Keeps, authority, authority_text, renew, signer, signer_name
from trellis.signing.trust import load_trust, trust_file, write_trust


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: an environment, with its keys."""

    project: Project
    stack: str
    environment: str
    keeps: Keeps

    def credentials(self, now: datetime) -> Credentials:
        """The signing key; its authority is trusted by this project from the first time on.

        Raises:
            ConfigError: the project trusts another authority for this environment.
        """
        made = signer(self.keeps, self.stack, self.environment, now)
        text = authority_text(authority(self.keeps, self.stack, self.environment, now))
        if not trust_file(self.project, self.environment).is_file():
            write_trust(self.project, self.environment, signer_name(self.stack, self.environment), (text,), ())
        trust = load_trust(self.project, self.environment)
        if text.strip() not in {item.strip() for item in trust.authorities}:
            raise ConfigError("the authority of this environment's key is not trusted", where=trust.where)
        return made


def check_runs(repository: Repository, known: Known, environment: str, release: Release) -> Ref:
    """The branch of an environment that holds everything that a release does.

    Raises:
        PolicyError: it does not, or it took something back since.
    """
    ref = known.environments.get(environment)
    if ref is None:
        hint = f"trellis change apply NAME -e {environment}, for each of: {', '.join(release.changes)}"
        raise PolicyError(f"{environment} runs the working tree, not release {release.version}", hint=hint)
    lacks = list(unpublished(known, release.commit, [ref.commit], (), by_content(repository)))
    lacks += sorted(reverted(known.graph, ref.commit) & release.changes.keys() - set(lacks))
    if lacks:
        what = f"{environment} does not run all of release {release.version}: it lacks {', '.join(lacks)}"
        raise PolicyError(what, hint=f"trellis change apply {lacks[0]} -e {environment}")
    return ref


def publish(repository: Repository, publisher: Publisher, version: str, outcome: str, now: datetime) -> Record:
    """Publish a release that an environment runs and that was seen to be well.

    Raises:
        PolicyError: the environment does not run it.
        UsageError: there is no such release.
    """
    known = read(repository)
    release = known.release(version)
    ref = check_runs(repository, known, publisher.environment, release)
    ledger = read_ledger(repository, publisher.environment)
    record = next_record(
        ledger,
        kind="published",
        stack=publisher.stack,
        release=version,
        tag=release.tag,
        commit=release.commit,
        blueprint=blueprint_of(repository, publisher.project, release.commit).digest,
        revision=ref.commit,
        outcome=outcome,
    )
    moved = added(repository, ledger, record, publisher.credentials(now))
    repository.update([moved], reason=f"publish {version}")
    return record


def withdraw(repository: Repository, publisher: Publisher, version: str, reason: str, now: datetime) -> Record:
    """Take a publication back.

    Raises:
        UsageError: the release is not published there.
    """
    ledger = read_ledger(repository, publisher.environment)
    was = ledger.published.get(version)
    if was is None:
        raise UsageError(f"{publisher.environment} has not published {version}", hint=f"trellis release show {version}")
    record = next_record(
        ledger,
        kind="withdrawn",
        stack=publisher.stack,
        release=version,
        tag=was.tag,
        commit=was.commit,
        blueprint=was.blueprint,
        revision=was.revision,
        outcome=reason,
    )
    moved = added(repository, ledger, record, publisher.credentials(now))
    repository.update([moved], reason=f"withdraw {version}")
    return record


def renew_key(publisher: Publisher, now: datetime) -> None:
    """Take the signing certificate back, which voids what it signed, and make a new one."""
    publisher.credentials(now)
    trust = load_trust(publisher.project, publisher.environment)
    entry = renew(publisher.keeps, publisher.stack, publisher.environment, now)
    revoked = (*trust.revoked, entry) if entry else trust.revoked
    write_trust(publisher.project, publisher.environment, trust.signer, trust.authorities, revoked)


def published_with(repository: Repository, environment: str, change: str) -> tuple[str, ...]:
    """The releases that an environment has published and that hold a change-set."""
    known = read(repository)
    published = read_ledger(repository, environment).published
    return tuple(
        version for version in published if version in known.releases and change in known.releases[version].changes
    )
