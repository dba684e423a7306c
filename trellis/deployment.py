"""A stack bound to an environment and placed on hosts: what plugins read when they add resources."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from trellis.blueprint import Blueprint, ServiceSpec
from trellis.certifying import Certifying
from trellis.hosts import Host, HostFacts
from trellis.values import Value
from trellis_dsl.sites import AS_USUAL, Handling

MEMORY_OF_ROOT = "/run/trellis"
MEMORY = "/dev/shm/trellis"  # noqa: S108 - a folder below, of the account alone
"""How the folder starts in which an account without root's rights keeps what is only ever in memory."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where something answers: an IP address or name, and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """``10.0.0.11:20001``; IPv6 addresses in brackets (RFC 3986)."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class DeployedInstance:
    """One instance, placed.

    Attributes:
        service: what runs.
        role: the role that runs it.
        index: its number in the service, from 1.
        host: where.
        name: the container's name, ``shop-dev-website-2``.
        published: endpoint name to where it answers for other hosts.
    """

    service: ServiceSpec
    role: str
    index: int
    host: Host
    name: str
    published: Mapping[str, HostAddress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeployedSite:
    """A public name and the instances that answer it, in the order of their indices."""

    name: str
    domain: str
    path: str
    tls: bool
    service: str
    endpoint: str
    health_path: str
    servers: tuple[tuple[str, HostAddress], ...]  # (instance's short name, where it answers)
    aliases: tuple[str, ...] = ()  # more names that are answered in the same way
    handling: Handling = AS_USUAL


@dataclass(frozen=True, slots=True)
class Door:
    """Where a balancer on a host offers an endpoint."""

    service: str
    endpoint: str
    host: str
    answers: HostAddress


@dataclass(frozen=True, slots=True)
class SiteAddress:
    """Where a balancer answers for a site.

    Attributes:
        url: as visitors type it: ``https://shop.example/``.
        service: the name of the service behind it.
        answers: where the balancer itself is reached; the site's name is to lead there.
    """

    url: str
    service: str
    answers: HostAddress


@dataclass(frozen=True, slots=True)
class Deployment:
    """The placed stack.

    Attributes:
        environment: its name.
        blueprint: what was declared.
        config: config key to its value in this environment; secrets stay `Secret`.
        hosts: the hosts that answered, by name.
        facts: what was observed about them and about clouds, by name.
        instances: sorted by service and index; also those on hosts that did not answer.
        sites: sorted by domain and path.
        certifying: what is known about certificates; None where nobody asked for any.
        doors: where balancers offer endpoints.
        clouds: the places outside of the hosts that answered, by name.
    """

    environment: str
    blueprint: Blueprint
    config: Mapping[str, Value]
    hosts: Mapping[str, Host]
    facts: Mapping[str, HostFacts]
    instances: tuple[DeployedInstance, ...]
    sites: tuple[DeployedSite, ...]
    certifying: Certifying | None = None
    doors: tuple[Door, ...] = ()
    clouds: Mapping[str, Host] = field(default_factory=dict)

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.blueprint.stack

    def instances_of(self, service: str) -> tuple[DeployedInstance, ...]:
        """The instances of one service, by index."""
        name = attrgetter("service.name")
        start = bisect_left(self.instances, service, key=name)
        return self.instances[start : bisect_right(self.instances, service, lo=start, key=name)]

    def provided_by(self, module: str) -> tuple[DeployedInstance, ...]:
        """The instances of service classes that a plugin ships."""
        return tuple(instance for instance in self.instances if instance.service.provided_by == module)

    def memory_folder(self, host: str) -> str:
        """The folder on that host for this environment's files that are only ever in memory."""
        user, _, rights = self.facts[host].account.rpartition(" ")
        root = f"{MEMORY}-{user}" if rights == "plain" else MEMORY_OF_ROOT
        return f"{root}/{self.stack}/{self.environment}"

    def folder(self, host: str) -> str:
        """The folder on that host for this environment's own files."""
        return f"{self.facts[host].data_dir}/{self.stack}/{self.environment}"
