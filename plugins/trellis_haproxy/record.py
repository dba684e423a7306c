"""The record of what was last applied to a proxy, kept beside its configuration on the host."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trellis.errors import TrellisError
from trellis.resources import Owner
from trellis.values import Value, canonical, freeze_mapping, masked


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
        owner = {"role": self.owner.role, "service": self.owner.service, "index": self.owner.index}
        return canonical(
            {
                "spec": masked(self.spec),
                "owner": owner,
                "written": self.written,
                "ports": self.ports,
                "unfinished": self.unfinished,
            }
        )


def read_record(text: str, where: str) -> Record:
    """A record from its line.

    Raises:
        TrellisError: it is not one.
    """
    try:
        value = json.loads(text)
        owner = value["owner"]
        return Record(
            freeze_mapping(value["spec"]),
            Owner(str(owner["role"]), str(owner["service"]), int(owner["index"])),
            tuple(str(item) for item in value["written"]),
            tuple(int(item) for item in value["ports"]),
            bool(value["unfinished"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrellisError(
            f"what Trellis keeps about this HAProxy is not readable: {text[:80]!r}",
            where=where,
            hint="another version of Trellis wrote it, or it was edited by hand; use that version",
        ) from error


def text_digest(text: str) -> str:
    """SHA-256 of a configuration's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
