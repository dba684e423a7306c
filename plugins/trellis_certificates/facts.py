"""What the observing script prints, as found resources; pure."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from trellis.errors import ConfigError, TrellisError
from trellis.resources import Actual, ResourceKey
from trellis.values import freeze_mapping
from trellis_certificates.record import Record, key_at, read_record

_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Printed:
    """One file as the script printed it; `sha256` and `certificates` are empty where there is none."""

    key: ResourceKey
    record: Record
    sha256: str
    mode: int
    certificates: str


def parse(stdout: str, host: str) -> Iterator[Printed]:
    """The files of the environment on a host.

    Raises:
        TrellisError: a line or a record is not readable.
    """
    for line in stdout.splitlines():
        fields = line.split(" ")
        if len(fields) != _FIELDS:
            raise TrellisError(f"unexpected answer while looking at certificates: {line[:80]!r}", where=f"host {host}")
        folder, place, name, record, sha256, mode, certificates = fields
        key = key_at(folder, place, name, host)
        yield Printed(
            key,
            read_record(_decoded(record), str(key)),
            "" if sha256 == "-" else sha256,
            0 if mode == "-" else int(mode, 8),
            "" if certificates == "-" else _decoded(certificates.removeprefix("=")),
        )


def actual_of(printed: Printed, served: str) -> Actual:
    """The found resource; `served` is what the running balancer answered."""
    found, ends = _certificate(printed.certificates, str(printed.key))
    state = {
        "sha256": printed.sha256,
        "written": printed.record.sha256,
        "mode": printed.mode,
        "fingerprint": found,
        "ends": ends,
        "served": served,
        "unfinished": printed.record.unfinished,
    }
    return Actual(printed.key, printed.record.spec, freeze_mapping(state), printed.record.owner)


def _certificate(text: str, where: str) -> tuple[str, str]:
    """The certificate's fingerprint, and when the first of the chain ends; empty for what is none."""
    if not text:
        return "", ""
    from trellis.pki.identifying import fingerprint  # brings cryptography in, which most runs do not need
    from trellis.pki.pem import load_certificates

    try:
        chain = load_certificates(text, where)
    except ConfigError:
        return "", ""
    return fingerprint(chain[0]), min(one.not_valid_after_utc for one in chain).isoformat()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")
