"""The record of a file that was put in place for a balancer, kept beside it on the host."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from trellis.errors import TrellisError
from trellis.resources import Owner, ResourceKey
from trellis.values import Value, canonical, freeze_mapping, masked
from trellis_certificates.model import ANSWERS, CERTIFICATE

_FOLDERS = {CERTIFICATE: "certificates", ANSWERS: "acme"}
_KINDS = {folder: kind for kind, folder in _FOLDERS.items()}
_ONLY = "answers"
ROOT = "tls"
"""Folder below an environment's folder on a host: ``tls/certificates/edge-1/shop.example.json``."""


@dataclass(frozen=True, slots=True)
class Record:
    """What was last put in place.

    Attributes:
        spec: the resource's spec.
        owner: what it is there for.
        sha256: of the whole file, in hex.
        unfinished: a run is under way, or was killed.
    """

    spec: Mapping[str, Value]
    owner: Owner
    sha256: str
    unfinished: bool = False

    def to_json(self) -> str:
        """One line."""
        owner = {"role": self.owner.role, "service": self.owner.service, "index": self.owner.index}
        value = {"spec": masked(self.spec), "owner": owner, "sha256": self.sha256, "unfinished": self.unfinished}
        return canonical(value)


def read_record(text: str, where: str) -> Record:
    """A record from its line.

    Raises:
        TrellisError: it is not one.
    """
    try:
        value = json.loads(text)
        owner = value["owner"]
        found = Owner(str(owner["role"]), str(owner["service"]), int(owner["index"]))
        return Record(freeze_mapping(value["spec"]), found, str(value["sha256"]), bool(value["unfinished"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrellisError(
            f"what Trellis keeps about this certificate is not readable: {text[:80]!r}",
            where=where,
            hint="another version of Trellis wrote it, or it was edited by hand; use that version",
        ) from error


def record_path(key: ResourceKey) -> str:
    """Where a resource's record is, below `ROOT`."""
    place, _, name = key.name.partition("/")
    return f"{_FOLDERS[key.kind]}/{place}/{name or _ONLY}.json"


def key_at(folder: str, place: str, name: str, host: str) -> ResourceKey:
    """The resource whose record is there. Raises `KeyError` for a folder of another kind."""
    kind = _KINDS[folder]
    return ResourceKey(kind, place if kind == ANSWERS else f"{place}/{name}", host)
