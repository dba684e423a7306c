"""The record of a file that was put in place for a balancer, kept beside it on the host."""

from collections.abc import Mapping
from dataclasses import dataclass

from trellis.records import reading_record, record_line, recorded_owner
from trellis.resources import Owner, ResourceKey
from trellis.values import Value, freeze_mapping
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
        return record_line(self.spec, self.owner, sha256=self.sha256, unfinished=self.unfinished)


def read_record(text: str, where: str) -> Record:
    """A record from its line.

    Raises:
        TrellisError: it is not one.
    """
    with reading_record(text, "this certificate", where) as value:
        spec, owner = freeze_mapping(value["spec"]), recorded_owner(value)
        return Record(spec, owner, str(value["sha256"]), bool(value["unfinished"]))


def record_path(key: ResourceKey) -> str:
    """Where a resource's record is, below `ROOT`."""
    place, _, name = key.name.partition("/")
    return f"{_FOLDERS[key.kind]}/{place}/{name or _ONLY}.json"


def key_at(folder: str, place: str, name: str, host: str) -> ResourceKey:
    """The resource whose record is there. Raises `KeyError` for a folder of another kind."""
    kind = _KINDS[folder]
    return ResourceKey(kind, place if kind == ANSWERS else f"{place}/{name}", host)
