"""The ledger of publications in git: read with its chain checked, written together with the refs that depend on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trellis.pki.model import Credentials
from trellis.promotion.records import PAYLOAD_TYPE, Record, authentic, chained, digest_of, refuse_older, standing
from trellis.revisions import names
from trellis.revisions.repository import NOTHING, RefChange, Repository
from trellis.signing.envelope import Trust, signed


@dataclass(frozen=True, slots=True)
class Ledger:
    """An environment's publications, oldest first.

    Attributes:
        environment: who publishes.
        ref: where they are kept.
        commit: what that leads to; `NOTHING` before the first.
        texts: the records as they are kept.
        records: the same, read; the chain between them is whole.
    """

    environment: str
    ref: str
    commit: str
    texts: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def published(self) -> Mapping[str, Record]:
        """Releases that are published, whoever signed them."""
        return {version: self.records[place] for version, place in standing(self.records).items()}

    def check(self, trust: Trust, now: datetime) -> None:
        """Raise `NotAuthorisedError` unless the newest record is good now; it vouches for all before it."""
        if self.texts:
            authentic(self.texts[-1], trust, self.environment, now, f"{self.ref}: record {len(self.texts)}")

    def authentic(self, version: str, trust: Trust, now: datetime) -> Record | None:
        """A release's publication with its signature and certificate checked; None when it is not published.

        Raises:
            NotAuthorisedError: it is not good now.
        """
        place = standing(self.records).get(version)
        if place is None:
            return None
        return authentic(self.texts[place], trust, self.environment, now, f"{self.ref}: record {place + 1}")


def read_ledger(repository: Repository, environment: str, ref: str = "") -> Ledger:
    """The publications of an environment.

    Raises:
        NotAuthorisedError: a record was changed, replaced or left out.
    """
    ref = ref or f"{names.PUBLISHED}{environment}"
    found = repository.ref(ref)
    texts = repository.texts(found.commit) if found else ()
    return Ledger(environment, ref, found.commit if found else NOTHING, texts, chained(texts, ref))


def refuse_rewound(repository: Repository, ledger: Ledger, environment: str) -> None:
    """Raise `NotAuthorisedError` when a ledger is older than what an environment has seen of it."""
    seen = repository.ref(f"{names.SEEN}{environment}/{ledger.environment}")
    if seen is not None:
        refuse_older(ledger.texts, repository.texts(seen.commit), ledger.ref)


def remember(repository: Repository, ledger: Ledger, environment: str) -> None:
    """Remember what an environment has seen of a ledger that was checked, whether or not it pulls anything then."""
    name = f"{names.SEEN}{environment}/{ledger.environment}"
    there = repository.ref(name)
    if ledger.commit != NOTHING and (there is None or there.commit != ledger.commit):
        repository.update([RefChange(name, ledger.commit, there.object if there else NOTHING)], reason="seen")


def added(repository: Repository, ledger: Ledger, record: Record, credentials: Credentials) -> RefChange:
    """Sign a record and put it at the end of a ledger: the ref to move."""
    text = signed(record.as_json(), PAYLOAD_TYPE, credentials)
    commit = repository.commit_texts(
        (*ledger.texts, text),
        [] if ledger.commit == NOTHING else [ledger.commit],
        f"{record.environment}: {record.release} {record.kind}\n",
    )
    return RefChange(ledger.ref, commit, ledger.commit)


def next_record(ledger: Ledger, **said: Any) -> Record:
    """A record that continues a ledger."""
    previous = digest_of(ledger.texts[-1]) if ledger.texts else ""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Record(serial=len(ledger.texts) + 1, environment=ledger.environment, at=at, previous=previous, **said)
