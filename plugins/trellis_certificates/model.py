"""The specs of `certificate` and `acme-answers` resources, read into types."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trellis.resources import Actual
from trellis.values import Value

CERTIFICATE = "certificate"
ANSWERS = "acme-answers"


@dataclass(frozen=True, slots=True)
class CertificateSpec:
    """A `certificate` resource's spec.

    Attributes:
        name: of the certificate, which several hosts may have.
        names: every name that it must be valid for.
        path: on the host; chain and key in one PEM file.
        fingerprint: SHA-256 of the certificate that should be there; empty when it is to be issued first.
        ends: when that one ends, ISO 8601; empty likewise.
        due: why another one is to be issued; empty while it is the right one.
        source: who issues, a `Settings.source`.
        issuer: who issues, for sentences.
        balancer: the balancer's name.
        container: whose it is.
        ports: at which it is served.
        settings: the environment's own words about the issuer.
    """

    name: str
    names: tuple[str, ...]
    path: str
    fingerprint: str
    ends: str
    due: str
    source: str
    issuer: str
    balancer: str
    container: str
    ports: tuple[int, ...]
    settings: Mapping[str, str]

    @classmethod
    def of(cls, spec: Mapping[str, Value]) -> "CertificateSpec":
        """The typed spec. Raises `KeyError` when a field is missing."""
        values: Mapping[str, Any] = spec
        texts = ("name", "path", "fingerprint", "ends", "due", "source", "issuer", "balancer", "container")
        return cls(
            **{field: str(values[field]) for field in texts},
            names=tuple(values["names"]),
            ports=tuple(values["ports"]),
            settings=dict(values["settings"]),
        )


@dataclass(frozen=True, slots=True)
class AnswersSpec:
    """An `acme-answers` resource's spec.

    Attributes:
        path: on the host; the file that the balancer answers challenges from.
        thumbprint: of the account's key; empty when the key is to be made first.
        directory: the ACME directory's URL.
        name: one of the names that are answered, to ask the balancer with.
        balancer: the balancer's name.
        container: whose it is.
        ports: at which it answers over plain HTTP.
    """

    path: str
    thumbprint: str
    directory: str
    name: str
    balancer: str
    container: str
    ports: tuple[int, ...]

    @classmethod
    def of(cls, spec: Mapping[str, Value]) -> "AnswersSpec":
        """The typed spec. Raises `KeyError` when a field is missing."""
        values: Mapping[str, Any] = spec
        texts = ("path", "thumbprint", "directory", "name", "balancer", "container")
        return cls(**{field: str(values[field]) for field in texts}, ports=tuple(values["ports"]))


def plain(spec: CertificateSpec | AnswersSpec) -> dict[str, object]:
    """A spec as a mapping of JSON values."""
    return {**asdict(spec)}


def answers_text(thumbprint: str) -> str:
    """What a balancer answers challenges from; empty answers none."""
    return f"account {thumbprint}\n" if thumbprint else ""


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was found.

    Attributes:
        sha256: of the whole file, in hex; empty when there is none.
        written: the same, of what Trellis wrote last.
        mode: permission bits.
        fingerprint: of the certificate in it; empty when there is none that can be read.
        ends: when that one ends, ISO 8601.
        served: what the balancer answers with; empty when it does not run.
        unfinished: a run is under way, or was killed.
    """

    sha256: str
    written: str
    mode: int
    fingerprint: str
    ends: str
    served: str
    unfinished: bool

    @classmethod
    def of(cls, actual: Actual) -> "Found":
        """What `facts` described."""
        state: Mapping[str, Any] = actual.state
        texts = ("sha256", "written", "fingerprint", "ends", "served")
        return cls(
            **{field: str(state[field]) for field in texts},
            mode=int(state["mode"]),
            unfinished=bool(state["unfinished"]),
        )
