"""What a plugin's objects must offer: connectors and providers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from trellis.certifying import CertificatePlace
from trellis.errors import UnreachableError
from trellis.hosts import ForeignUse, Host, HostFacts, HostSession
from trellis.plans import Decision, Step
from trellis.resources import Actual, Resource, ResourceKey
from trellis_dsl.secret import Secret

if TYPE_CHECKING:  # every start of the command line imports this module, and asking for health needs asyncio
    from trellis.deployment import Deployment, Door, SiteAddress
    from trellis.health import HealthState
    from trellis.pki.model import Credentials

HOME_DATA_DIR = "/.local/share/trellis"
"""How `Scope.data_dir` ends for an account that is neither root nor allowed to use sudo."""

Report = Callable[[str], None]
"""Takes a sentence about what a step is doing now: ``waiting for /healthz``."""


class Connector(Protocol):
    """Opens sessions on hosts whose `connect` URL has one of its schemes."""

    schemes: Sequence[str]

    async def connect(self, host: Host) -> HostSession:
        """Open a session.

        Raises:
            UnreachableError: the host does not answer.
            NotAuthorisedError: its key changed, or the account is refused.
        """


@runtime_checkable
class TrustsHosts(Protocol):
    """A connector whose hosts prove who they are by a key that the operator has to trust first."""

    async def offered_fingerprint(self, host: Host) -> str:
        """The fingerprint of the key that the host offers now, trusted or not; nothing is sent to the host."""

    async def trust(self, host: Host, fingerprint: str) -> Path:
        """Trust the host's key when it has that fingerprint; the file that keeps it.

        Raises:
            NotAuthorisedError: the host offers another key, or another one is trusted already.
        """


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose resources a provider is to look for on a host.

    Attributes:
        stack: the stack's name.
        environment: the environment's name.
        expected: resources that may already be there under names known before placement, such as a role's files.
        salt: the environment's salt for fingerprints of secrets.
        data_dir: an absolute folder for Trellis's own files on that host.
    """

    stack: str
    environment: str
    expected: tuple[ResourceKey, ...] = ()
    salt: bytes = b""
    data_dir: str = "/var/lib/trellis"

    @property
    def folder(self) -> str:
        """The folder on the host for this environment's own files."""
        return f"{self.data_dir}/{self.stack}/{self.environment}"

    @property
    def as_root(self) -> bool:
        """Whether commands run as root there; an account without root or sudo keeps its data in its home folder."""
        return not self.data_dir.endswith(HOME_DATA_DIR)


class Keeper(Protocol):
    """Keeps what Trellis itself made and must remember for an environment: encrypted, on the controller."""

    def get(self, key: str) -> Secret | None:
        """What is kept under a key, as it is now."""

    def put(self, key: str, value: Secret) -> None:
        """Keep something; it is on the disk when this returns."""

    def drop(self, key: str) -> None:
        """Keep it no longer."""


class Instructions(Protocol):
    """Remembers how far the instructions of a step got, over the end of a process."""

    def done(self, step: Step) -> int:
        """How many of the step's instructions are through already; 0 when the last attempt was undone."""

    def started(self, step: Step, number: int) -> None:
        """An instruction, counted from 1, is being done; on the disk when it returns."""

    def finished(self, step: Step, number: int) -> None:
        """It is through; on the disk when it returns."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a provider may use besides the host.

    Attributes:
        keeper: keeps what must be remembered; None where nothing can be kept, as in tests of one provider.
        balancers: the load balancers of the plugins, by name; the contracts that one satisfies say what it can do.
        instructions: remembers how far a service's own update got; None where nothing can be kept.
    """

    keeper: Keeper | None = None
    balancers: Mapping[str, object] = field(default_factory=dict)
    instructions: Instructions | None = None


NO_TOOLS = Tools()
"""For tests of one provider."""


class Traffic(Protocol):
    """The balancers in front of a step's instance; whoever starts and stops it tells them what comes and goes.

    `ports` are endpoint names and the ports at which they answer on the host; empty where the service has the ports
    that it listens on.
    """

    async def leave(self, host: str, ports: Mapping[str, int]) -> None:
        """Send it nothing more, and wait until what it has under way has ended, or the service's time for that has.

        Raises:
            ApplyError: a balancer does not do it.
        """

    async def enter(self, host: str, ports: Mapping[str, int]) -> None:
        """It serves: every balancer sends it traffic from now on.

        Raises:
            ApplyError: a balancer does not do it.
        """


class NoTraffic:
    """Nothing balances."""

    async def leave(self, host: str, ports: Mapping[str, int]) -> None:
        """Nothing to wait for."""

    async def enter(self, host: str, ports: Mapping[str, int]) -> None:
        """Nobody to tell."""


_NO_TRAFFIC = NoTraffic()


@dataclass(frozen=True, slots=True)
class Applying:
    """What a provider may use while it applies a step.

    Attributes:
        session: the host's open session.
        scope: whose resource it is.
        report: tells the operator what is going on.
        source: an open session on the host that a moved instance leaves; None otherwise.
        tools: what of the controller's own it may use.
        traffic: the balancers in front of the step's instance.
        connector: that opened the session.
    """

    session: HostSession
    scope: Scope
    report: Report
    source: HostSession | None = None
    tools: Tools = NO_TOOLS
    traffic: Traffic = _NO_TRAFFIC
    connector: Connector | None = None

    async def connect(self) -> HostSession:
        """A new connection to the host, which the caller closes.

        Raises:
            UnreachableError: none gets in any more.
        """
        if self.connector is None:
            raise UnreachableError(f"nothing here can connect to {self.session.host.name} anew")
        return await self.connector.connect(self.session.host)


class Provider(Protocol):
    """Keeps resources of some kinds.

    `kinds` maps each kind to its rank: lower ranks are made first and removed last
    (images 10, networks 20, volumes 30, files 40, proxy configs 45, containers 50).
    """

    kinds: Mapping[str, int]

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """Everything of these kinds that Trellis made for the scope on this host, and what is `expected`.

        Reads only. A host or engine that does not answer is an error, never an empty answer.
        """

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
        """What is to be done about one resource; pure. At least one side is given.

        Args:
            desired: how it should be; None when the stack no longer asks for it.
            actual: how it was found; None when it was not.
            salt: for `fingerprinted`, to compare secrets without knowing the old ones.
        """

    async def apply(self, step: Step, applying: Applying) -> None:
        """Do what the step says, wait until it holds, or put the old state back and raise `ApplyError`.

        It must be safe to be killed at any moment and run again.
        """


class Balancer(Protocol):
    """A load balancer; what it can do is told by the other contracts that it satisfies."""

    name: str


@dataclass(frozen=True, slots=True)
class BalancedServer:
    """What a balancer sends traffic to: one endpoint of one instance.

    Attributes:
        service: the service's name.
        endpoint: the endpoint's name.
        instance: ``website-2``.
        address: where it answers for other hosts.
        port: likewise.
    """

    service: str
    endpoint: str
    instance: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """Servers that are to get nothing more.

    Attributes:
        servers: all endpoints of one instance, as it runs now.
        seconds: how long what they have under way may take; then it is cut off.
        returns: something will answer at the same place again, so their place is kept.
    """

    servers: tuple[BalancedServer, ...]
    seconds: float
    returns: bool


class Entrance(Protocol):
    """Where a balancer takes traffic in on one host: servers leave and enter while it serves."""

    @property
    def host(self) -> str:
        """The host that carries it."""

    @property
    def services(self) -> Collection[str]:
        """Whose instances it sends traffic to."""

    @property
    def serves_alone(self) -> bool:
        """Whether it goes on sending traffic when it cannot be talked to, as a cloud's does; then nothing may stop."""

    async def leave(self, leaving: Leaving, applying: Applying) -> None:
        """Send them nothing more, and wait as `leaving` says. Servers that it does not know are none of its business.

        What it does outlasts its restart. `applying` is for the entrance's host.
        """

    async def enter(self, servers: Sequence[BalancedServer], applying: Applying) -> None:
        """Send them traffic: they are healthy. Done when it does; what it does outlasts its restart."""


@runtime_checkable
class RunsAsService(Protocol):
    """A load balancer that runs as a service of the stack; where another one takes its place, that service does not."""

    module: str
    """The module that ships the service's class, a `ServiceSpec.provided_by`."""


@runtime_checkable
class DrainsServers(Protocol):
    """A load balancer whose servers leave and enter while it serves."""

    def entrances(self, deployment: "Deployment", actuals: Sequence[Actual]) -> Sequence[Entrance]:
        """Where it takes traffic in on the hosts that answered, those that are still to be removed included; pure.

        `actuals` is everything that was found there.
        """


@runtime_checkable
class OffersEndpoints(Protocol):
    """A load balancer that also offers TCP endpoints."""

    def doors(self, deployment: "Deployment") -> "Sequence[Door]":
        """Where it offers the endpoints that are declared as balanced, on hosts that did not answer, too; pure."""


@runtime_checkable
class AnswersSites(Protocol):
    """A load balancer that can say where it answers for the stack's sites."""

    def site_addresses(self, deployment: "Deployment") -> "Sequence[SiteAddress]":
        """Each site at each place where visitors reach it, on hosts that did not answer, too; pure."""


@runtime_checkable
class UsesCertificates(Protocol):
    """A load balancer that ends TLS with certificates that a plugin puts into its folders on hosts."""

    def certificate_places(self, deployment: "Deployment") -> Sequence[CertificatePlace]:
        """Where it wants certificates on the hosts that answered, and for which names; pure."""

    async def use_certificates(self, session: HostSession, container: str, changed: Sequence[str]) -> bool:
        """Make what runs there take the files in its folder, without dropping a connection; False when it does not run.

        Args:
            session: the host's.
            container: the whole name of what runs.
            changed: names of files that are there with another content than before; empty after other changes.

        Raises:
            ApplyError: it could not be told.
        """


@runtime_checkable
class CountsForeignUse(Protocol):
    """A provider that also knows what others use on a host; placement takes that off the host's capacity."""

    async def foreign_use(self, session: HostSession, scope: Scope) -> ForeignUse:
        """What is there that is not the scope's. Reads only; an engine that does not answer is an error."""


@runtime_checkable
class CloudSession(Protocol):
    """A session with a place outside of the hosts, see the hook ``trellis_clouds``."""

    async def facts(self, scope: Scope) -> HostFacts:
        """What is known about the place, and the scope's things in it.

        ``networks`` in `extra` are those from which it connects to hosts.
        """


@runtime_checkable
class KeepsInClouds(Protocol):
    """A provider that also, or only, keeps resources in places outside of the hosts."""

    async def observe_cloud(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """As `Provider.observe`; a place that is another plugin's has nothing of this one."""


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate that a place keeps for its own balancer.

    Attributes:
        place: the name of the place within the session's, a `CertificatePlace.name`.
        name: of the certificate.
        names: that it is valid for.
        fingerprint: SHA-256 of what is there now, in hex.
        put: the same, of what was last put there.
        ends: when it ends, ISO 8601.
        used: the balancer has it, or there is none yet.
    """

    place: str
    name: str
    names: tuple[str, ...]
    fingerprint: str
    put: str
    ends: str
    used: bool


@runtime_checkable
class HoldsCertificates(Protocol):
    """A session with a place that keeps the certificates of its own balancer."""

    async def held_certificates(self, scope: Scope) -> Sequence[HeldCertificate]:
        """Those of the scope. Reads only."""

    async def hold_certificate(self, scope: Scope, name: str, credentials: "Credentials") -> None:
        """Keep it in place of the one of that name, and have a balancer that is there use it.

        Raises:
            ApplyError: it is not taken; the old one is used on.
        """

    async def drop_certificate(self, scope: Scope, name: str) -> None:
        """Keep it no longer."""


@runtime_checkable
class TellsDrift(Protocol):
    """A provider that can tell what somebody else changed, whatever the stack asks for now."""

    def drift(self, actual: Actual) -> str:
        """How the resource is not as its spec was last applied, as a sentence; empty when it is. Pure.

        A change that Trellis itself left unfinished is none. Removed resources are found without it.
        """


@runtime_checkable
class TellsHealth(Protocol):
    """A provider whose resources serve, and that can say whether one of them does."""

    async def health(self, session: HostSession, actual: Actual, now: datetime) -> "HealthState":
        """Asks once, as the actual's spec says; `now` is aware, and tells starting from unhealthy. Reads only."""
