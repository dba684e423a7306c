"""The record of what was last applied to a proxy, kept beside its configuration on the host."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trellis.records import reading_record, record_line, recorded_owner
from trellis.resources import Owner
from trellis.values import Value, freeze_mapping


@dataclass(frozen=True, slots=True)
class Record:
    """What was last applied.

    Attributes:
        spec: the resource's spec; empty before the first one was applied.
        owner: what the proxy is there for.
        written: SHA-256 of every text that Trellis may have left as haproxy.cfg: a run that is killed leaves either.
        ports: at which its worker may answer.
        unfinished: a run is under way, or was killed.
    """

    spec: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    owner: Owner = Owner()
    written: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    unfinished: bool = False

    def to_json(self) -> str:
        """One line."""
        return record_line(self.spec, self.owner, written=self.written, ports=self.ports, unfinished=self.unfinished)


def read_record(text: str, where: str) -> Record:
    """A record from its line.

    Raises:
        TrellisError: it is not one.
    """
    with reading_record(text, "this HAProxy", where) as value:
        return Record(
            freeze_mapping(value["spec"]),
            recorded_owner(value),
            tuple(str(item) for item in value["written"]),
            tuple(int(item) for item in value["ports"]),
            bool(value["unfinished"]),
        )


def text_digest(text: str) -> str:
    """SHA-256 of a configuration's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
