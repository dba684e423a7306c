"""What `trellis up` does to one host's Docker, in short: observe, decide, apply; for tests and their driver."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from trellis.hosts import Host, HostSession
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_docker.provider import DockerProvider
from trellis_dsl.secret import Secret
from trellis_local.session import LocalSession

SALT = b"salt of the environment"
PASSWORD = "correct-horse-battery-staple"
GOOD, BETTER = "trellis-test/echo:1", "trellis-test/echo:2"
UNHEALTHY, CRASHING = "trellis-test/echo:unhealthy", "trellis-test/echo:crash"


@dataclass
class Stage:
    """One environment of one stack on this machine's engine.

    Args:
        stack: a name of the test's own, so that tests do not meet.
        port: on 127.0.0.1, for its one container.
    """

    stack: str
    port: int
    provider: DockerProvider = field(default_factory=DockerProvider)
    said: list[str] = field(default_factory=list)
    host: str = "here"

    def __post_init__(self) -> None:
        self.session: HostSession = LocalSession(Host(self.host))
        self.scope = Scope(self.stack, "dev", salt=SALT)

    @property
    def prefix(self) -> str:
        return f"{self.stack}-dev"

    def key(self, kind: str, name: str) -> ResourceKey:
        return ResourceKey(kind, name, self.host)

    def container(self, image: str = GOOD, **changes: object) -> Resource:
        spec: dict[str, object] = {
            "name": f"{self.prefix}-web-1",
            "image": image,
            "env": {"WORKERS": "4", "PASSWORD": Secret(PASSWORD)},
            "network": self.prefix,
            "aliases": ["web-1", "web"],
            "ports": [self.published(self.port)],
            "mounts": [{"type": "volume", "source": f"{self.prefix}-data", "target": "/data", "read_only": False}],
            "cpu": 0.25,
            "memory": 32 << 20,
            "stop_grace": 2,
            "health": self.health(self.port),
        }
        return Resource(self.key("container", "web-1"), freeze_mapping(spec | changes), Owner("Front", "Web", 1))

    def published(self, port: int) -> dict[str, object]:
        return {
            "endpoint": "http",
            "container_port": 8080,
            "protocol": "tcp",
            "host_ip": "127.0.0.1",
            "host_port": port,
        }

    def health(self, port: int, **changes: object) -> dict[str, object]:
        whole = {"kind": "http", "address": "127.0.0.1", "port": port, "path": "/healthz", "timeout": 3.0}
        return whole | changes

    def around(self, image: str = GOOD) -> list[Resource]:
        """What a container needs beside it."""
        return [
            Resource(self.key("image", image), freeze_mapping({"reference": image})),
            Resource(self.key("network", self.prefix), freeze_mapping({"name": self.prefix})),
            Resource(
                self.key("volume", f"{self.prefix}-data"),
                freeze_mapping({"name": f"{self.prefix}-data", "size": 1 << 20}),
            ),
        ]

    def whole(self, image: str = GOOD, **changes: object) -> list[Resource]:
        return [*self.around(image), self.container(image, **changes)]

    async def plan(self, desired: Sequence[Resource]) -> list[Step]:
        """Steps in the order of their ranks; removals last, from the top down."""
        wanted = {resource.key: resource for resource in desired}
        scope = Scope(self.stack, "dev", tuple(key for key in wanted if key.kind == "image"), SALT)
        found = {actual.key: actual for actual in await self.provider.observe(self.session, scope)}
        steps = []
        for key in sorted(wanted.keys() | found.keys()):
            resource, actual = wanted.get(key), found.get(key)
            decided = self.provider.decide(resource, actual, SALT)
            steps.append(
                Step(key, decided.verb, decided.reason, resource, actual, decided.changes, drift=decided.drift)
            )
        return sorted(steps, key=self._turn)

    def _turn(self, step: Step) -> int:
        rank = self.provider.kinds[step.key.kind]
        return 1000 - rank if step.verb is Verb.REMOVE else rank

    async def up(self, desired: Sequence[Resource]) -> list[Step]:
        """The steps that did something."""
        steps = [step for step in await self.plan(desired) if step.verb is not Verb.KEEP]
        for step in steps:
            await self.apply(step)
        return steps

    async def apply(self, step: Step) -> None:
        await self.provider.apply(step, Applying(self.session, self.scope, self.said.append))
