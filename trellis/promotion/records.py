"""The publications of an environment: signed records in a chain, each of them naming the one before it; pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from trellis.errors import NotAuthorisedError
from trellis.signing.envelope import Trust, opened, unsafe_payload

PAYLOAD_TYPE = "application/vnd.trellis.publication+json"
_TEXTS = (
    "kind",
    "stack",
    "environment",
    "release",
    "tag",
    "commit",
    "blueprint",
    "revision",
    "at",
    "previous",
    "outcome",
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        serial: from 1, without gaps.
        kind: a release is published, or loses its publication.
        stack: the stack's name.
        environment: who publishes.
        release: the version.
        tag: the tag object's id.
        commit: what the tag leads to.
        blueprint: the digest of that commit's blueprint.
        revision: what the environment ran when it published.
        outcome: how that was seen: ``healthy, 3 instances, run 12``, or why it is withdrawn.
        at: when, ISO 8601.
        previous: SHA-256 of the record before this one; empty for the first.
    """

    serial: int
    kind: Literal["published", "withdrawn"]
    stack: str
    environment: str
    release: str
    tag: str
    commit: str
    blueprint: str
    revision: str
    outcome: str
    at: str
    previous: str

    def as_json(self) -> dict[str, object]:
        """What is signed."""
        return {"schema_version": 1, **asdict(self)}


def digest_of(text: str) -> str:
    """What the next record says of this one."""
    return hashlib.sha256(text.encode()).hexdigest()


def chained(texts: Sequence[str], where: str) -> tuple[Record, ...]:
    """The records of a ledger, when none was changed, left out or put in; who signed them is not looked at yet.

    Raises:
        NotAuthorisedError: the chain is broken.
    """
    found: list[Record] = []
    previous = ""
    for serial, text in enumerate(texts, 1):
        place = f"{where}: record {serial}"
        record = _record(unsafe_payload(text, place), place)
        if record.serial != serial or record.previous != previous:
            raise NotAuthorisedError(
                "the chain of publications is broken: a record was changed or replaced", where=place
            )
        found.append(record)
        previous = digest_of(text)
    return tuple(found)


def standing(records: Sequence[Record]) -> Mapping[str, int]:
    """The version of each release that is published, to the place of the record that says so."""
    found: dict[str, int] = {}
    for place, record in enumerate(records):
        if record.kind == "published":
            found[record.release] = place
        else:
            found.pop(record.release, None)
    return found


def authentic(text: str, trust: Trust, environment: str, now: datetime, where: str) -> Record:
    """One record, its signature and certificate checked.

    Raises:
        NotAuthorisedError: it is not good now.
    """
    record = _record(opened(text, PAYLOAD_TYPE, trust, now, where), where)
    if record.environment != environment:
        raise NotAuthorisedError(f"published by {record.environment}, not by {environment}", where=where)
    return record


def refuse_older(texts: Sequence[str], seen: Sequence[str], where: str) -> None:
    """Raise `NotAuthorisedError` when a ledger lacks, or has otherwise, what was seen of it before."""
    if list(texts[: len(seen)]) != list(seen):
        raise NotAuthorisedError(
            "older publications than those that were seen already were put back: they may have been withdrawn since",
            where=where,
            hint="ask whoever publishes there; nothing was changed here",
        )


def _record(payload: Mapping[str, Any], where: str) -> Record:
    texts = {name: payload.get(name) for name in _TEXTS}
    good = all(isinstance(text, str) for text in texts.values()) and payload.get("schema_version") == 1
    if not good or not isinstance(payload.get("serial"), int) or texts["kind"] not in {"published", "withdrawn"}:
        raise NotAuthorisedError("not a record of a publication", where=where)
    return Record(serial=payload["serial"], **texts)  # type: ignore[arg-type]  # each of them is a text
