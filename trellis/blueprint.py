"""The blueprint: a stack, evaluated; immutable, the same for every environment, with a digest."""

from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import Literal

from trellis.placing.model import InstancePolicy, Needs, Relocatable
from trellis.values import Value, digest, freeze, masked
from trellis_dsl.endpoints import Balanced
from trellis_dsl.files import FileKind, OnChange
from trellis_dsl.sites import AS_USUAL, Handling

Protocol = Literal["tcp", "udp"]
Network = Literal["stack", "host"]


@dataclass(frozen=True, slots=True)
class HealthSpec:
    """How to tell that an instance serves.

    Attributes:
        kind: ``http`` asks `path` of an endpoint; ``tcp`` connects to it; ``command`` runs `argv` in the container.
        endpoint: the endpoint's name; empty for a command.
        path: for ``http``.
        argv: for ``command``; status 0 is healthy.
        timeout: seconds that a new instance has to become healthy.
        interval: seconds between two looks.
    """

    kind: Literal["http", "tcp", "command"]
    endpoint: str = ""
    path: str = ""
    argv: tuple[str, ...] = ()
    timeout: float = 60.0
    interval: float = 0.5


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """A port that a service listens on.

    Attributes:
        name: the attribute's name.
        port: inside the container.
        protocol: tcp or udp.
        host_port: the port on the host, when the author fixed it; None lets Trellis choose one.
        public: reachable from anywhere, not only from the environment's hosts.
        tls: a balancer's port for sites over TLS.
        balanced: how every balancer of the stack offers it; None where none does.
    """

    name: str
    port: int
    protocol: Protocol = "tcp"
    host_port: int | None = None
    public: bool = False
    tls: bool = False
    balanced: Balanced | None = None


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """A declared need to reach an endpoint of another service.

    Attributes:
        name: the attribute's name.
        service: the one at the other end.
        endpoint: the name of its endpoint.
        ordered: False for a connection made with ``stack.connect``, which does not decide what starts first.
        on_change: what happens to the client's container when the other end answers elsewhere.
        signal: which, for ``signal``.
    """

    name: str
    service: str
    endpoint: str
    ordered: bool = True
    on_change: Literal["restart", "signal", "nothing"] = "restart"
    signal: str = "HUP"


@dataclass(frozen=True, slots=True)
class AllowSpec:
    """Networks that may connect although no service there does.

    Attributes:
        name: the attribute's name.
        networks: addresses and networks of both families, sorted.
        endpoint: of a service, its endpoint's name; of a role, ``MariaDB.sql``; empty for all.
        port: of a role, a port of its hosts' own; 0 for endpoints.
        protocol: of that port.
    """

    name: str
    networks: tuple[str, ...]
    endpoint: str = ""
    port: int = 0
    protocol: Protocol = "tcp"


@dataclass(frozen=True, slots=True)
class ReachSpec:
    """Networks that may be connected to although no service is there.

    Attributes:
        name: the attribute's name.
        networks: addresses and networks of both families, sorted.
        port: there; 0 is every port of the protocol.
        protocol: of that port.
    """

    name: str
    networks: tuple[str, ...]
    port: int = 0
    protocol: Protocol = "tcp"


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """A public name and the endpoint that answers it.

    `domain` is a literal or, with `domain_config`, a config key; `aliases` and `aliases_config` likewise, and
    `handling` where `maintenance_config` says whether the site is in maintenance.
    """

    name: str
    endpoint: str
    domain: str = ""
    domain_config: str = ""
    path: str = "/"
    tls: bool = True
    aliases: tuple[str, ...] = ()
    aliases_config: str = ""
    handling: Handling = AS_USUAL
    maintenance_config: str = ""


@dataclass(frozen=True, slots=True)
class MountSpec:
    """A path in the container that holds a storage's data."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file or folder on a role's hosts, or in a service's containers.

    Attributes:
        name: the attribute's name.
        path: absolute.
        kind: static (kept equal), initial (written once), dynamic (rendered after placement), secret (rendered, and
            only ever in memory), folder (kept equal as a whole).
        source: for those that have one, relative to the stack's folder.
        sha256: of the source's bytes, or of a folder's list of files; empty for files that a method renders.
        mode: permission bits.
        owner: user name or number; empty leaves it to root.
        group: likewise.
        template: the source is a template.
        keep_mode: of an initial file, mode and owner are kept.
        on_change: what happens to the container when the file changes.
        signal: which, for ``signal``.
    """

    name: str
    path: str
    kind: FileKind
    source: str = ""
    sha256: str = ""
    mode: int = 0o644
    owner: str = ""
    group: str = ""
    template: bool = False
    keep_mode: bool = False
    on_change: OnChange = "restart"
    signal: str = "HUP"


@dataclass(frozen=True, slots=True)
class ConfigSpec:
    """A declared config value or secret.

    Attributes:
        key: ``Website.workers``.
        type: ``str``, ``int``, ``float``, ``bool``, ``list[str]``, ``dict[str, str]`` or ``secret``.
        required: no default; the environment must give it.
        default: the declared default, or what the stack set.
        help: what it means.
        location: ``stack.py:12``, relative to the stack's folder.
        same_as: the key whose value it is; empty for one that has its own.
    """

    key: str
    type: str
    required: bool
    default: Value = None
    help: str = ""
    location: str = ""
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class UpdateSpec:
    """How a service's instances are replaced.

    Attributes:
        start_first: the new one starts before the old one stops.
        batch: how many at a time.
        pause: seconds between two batches.
        drain: seconds that requests under way may take before their instance stops.
        canary: so many are replaced first, and watched.
        watch: seconds that a canary is watched; one that ends or becomes unhealthy goes back to the old image.
        methods: attribute name and version pattern of each ``@update_from`` method, as declared.
    """

    start_first: bool = False
    batch: int = 1
    pause: float = 0.0
    drain: float = 30.0
    canary: int = 0
    watch: float = 10.0
    methods: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service, whatever role runs it."""

    name: str
    image: str
    needs: Needs = Needs()
    endpoints: tuple[EndpointSpec, ...] = ()
    connections: tuple[ConnectionSpec, ...] = ()
    mounts: tuple[MountSpec, ...] = ()
    sites: tuple[SiteSpec, ...] = ()
    allows: tuple[AllowSpec, ...] = ()
    reaches: tuple[ReachSpec, ...] = ()
    files: tuple[FileSpec, ...] = ()
    health: HealthSpec | None = None
    update: UpdateSpec = UpdateSpec()
    relocatable: Relocatable = "no"
    priority: int = 0
    network: Network = "stack"
    command: tuple[str, ...] = ()
    user: str = ""
    stop_grace: float = 10.0
    labels: tuple[tuple[str, str], ...] = ()
    provided_by: str = ""  # the plugin's module, for a service class that a plugin ships
    location: str = ""

    def endpoint(self, name: str) -> EndpointSpec:
        """The endpoint of that name. Raises `KeyError`."""
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class StorageSpec:
    """A role's data: `size` in bytes; `active` hosts hold it at once, None for all."""

    name: str
    size: int
    backend: str = "local"
    replication: str = ""
    active: int | None = None


@dataclass(frozen=True, slots=True)
class RunsSpec:
    """A service that a role runs, how many, where, and which of the role's storages its mounts hold."""

    name: str
    service: str
    policy: InstancePolicy
    storages: tuple[tuple[str, str], ...] = ()  # (mount's name, storage's name)
    spread_over: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    together_with: tuple[str, ...] = ()
    requires_labels: tuple[tuple[str, str], ...] = ()
    requires_facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """What a group of hosts does."""

    name: str
    runs: tuple[RunsSpec, ...] = ()
    storages: tuple[StorageSpec, ...] = ()
    files: tuple[FileSpec, ...] = ()
    allows: tuple[AllowSpec, ...] = ()
    reaches: tuple[ReachSpec, ...] = ()
    conflicts_with: tuple[str, ...] = ()
    reserves: Needs = Needs()
    help: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything that a stack declares; services, roles and config sorted by name."""

    stack: str
    services: tuple[ServiceSpec, ...] = ()
    roles: tuple[RoleSpec, ...] = ()
    config: tuple[ConfigSpec, ...] = field(default=())

    def service(self, name: str) -> ServiceSpec:
        """The service of that name. Raises `KeyError`."""
        # There may be hundreds, and each instance asks.
        place = bisect_left(self.services, name, key=attrgetter("name"))
        if place < len(self.services) and self.services[place].name == name:
            return self.services[place]
        raise KeyError(name)

    def role(self, name: str) -> RoleSpec:
        """The role of that name. Raises `KeyError`."""
        for role in self.roles:
            if role.name == name:
                return role
        raise KeyError(name)

    def as_json(self) -> dict[str, object]:
        """A plain JSON value; secrets cannot be in it."""
        plain = masked(freeze(asdict(self)))
        assert isinstance(plain, dict)  # noqa: S101 - for the type checker: a mapping freezes to a mapping
        return plain

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON; source lines do not count."""
        return digest(_without_locations(self.as_json()))


def _without_locations(value: object) -> object:
    match value:
        case dict():
            return {key: _without_locations(item) for key, item in value.items() if key != "location"}
        case list():
            return [_without_locations(item) for item in value]
    return value
