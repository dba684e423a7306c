"""What is told to plugins that keep certificates: who needs them, what is kept already, and the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from trellis.resources import Owner, ResourceKey
from trellis_dsl.secret import Secret


@dataclass(frozen=True, slots=True)
class CertificatePlace:
    """Where a load balancer on a host takes certificates from.

    Attributes:
        balancer: the name of the balancer that made it, to find it again when a certificate is there.
        host: the host's name.
        name: the instance's name in its environment, ``haproxy-1``.
        container: the whole name of what runs.
        folder: on the host; every ``NAME.pem`` in it is taken: chain and key. Empty where the host is a place that
            keeps certificates itself, `trellis.plugin.contracts.HoldsCertificates`.
        challenges: a file on the host, ``account THUMBPRINT`` while challenges are answered (RFC 8555 §8.3); empty
            where they cannot be.
        ports: at which it serves TLS, on the host itself.
        plain_ports: at which it answers challenges, on the host itself.
        groups: the names that it serves over TLS; those of one group are to stand in one certificate.
        owner: what it is there for.
        config: the resource that says what it serves.
        runs: the resource that runs it.
    """

    balancer: str
    host: str
    name: str
    container: str
    folder: str
    challenges: str
    ports: tuple[int, ...]
    plain_ports: tuple[int, ...]
    groups: tuple[tuple[str, ...], ...]
    owner: Owner
    config: ResourceKey
    runs: ResourceKey


@dataclass(frozen=True, slots=True)
class Certifying:
    """Everything about certificates that is known before a plan is made.

    Attributes:
        settings: the environment's ``certificates``, as its file has them.
        root: the stack's folder.
        places: every balancer that ends TLS, on hosts that answered.
        kept: what Trellis made and keeps for the environment, by name.
        now: aware; the moment that a plan is made for.
    """

    settings: Mapping[str, str]
    root: Path
    places: tuple[CertificatePlace, ...]
    now: datetime
    kept: Mapping[str, Secret] = field(default_factory=dict)
