"""Rolls one container out: the old one waits under another name until the new one is healthy."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from trellis.errors import ApplyError, TrellisError
from trellis.plugin.contracts import Applying
from trellis.resources import Resource
from trellis.values import freeze_mapping
from trellis_docker import commands
from trellis_docker.client import Engine
from trellis_docker.deciding import foreign_name, stored
from trellis_docker.differences import differences
from trellis_docker.facts import Json, host_ports, is_unrecorded, listed_name, macs_of
from trellis_docker.faults import explain_start, last_lines
from trellis_docker.labels import filters, is_ours, spec_of
from trellis_docker.ownership import own_containers
from trellis_docker.refusals import EngineError
from trellis_docker.spec import ContainerSpec, container_spec, published
from trellis_docker.vitals import Vitals
from trellis_dsl.secret import Secret

_REMOVAL_TAKES = 30.0
"""Seconds that the engine has to finish a removal that an earlier run began."""

_CREATION_TAKES = 10.0
"""Seconds that the engine may take for a creation that an earlier run asked for."""

_BETWEEN_LOOKS = 1.0
"""Seconds between two looks at a canary."""

_LOG_LINES = 50
"""Lines of a container's log that are read to show the last ones that say something."""


@dataclass(frozen=True, slots=True)
class Twins:
    """A resource's containers, as listed: the one under its own name, and those that wait under another."""

    current: Json | None
    spares: Sequence[Json]

    @property
    def every(self) -> Sequence[Json]:
        """All of them, the spares first."""
        return (*self.spares, self.current) if self.current else self.spares

    def fallback(self) -> Json | None:
        """The one that served last: a spare, where the one under its own name never got as far as running."""
        usable = {"running"} if self.spares else {"running", "exited", "paused", "restarting"}
        if self.current is not None and self.current["State"] in usable:
            return self.current
        return next(iter(self.spares), None)


class Rollout:
    """Changes one container resource on one host.

    Every method starts from what is there now, so it goes on where a killed run left off.

    Args:
        engine: the host's engine.
        applying: what may be used.
        name: the resource's own name.
        watch: seconds that a new container is watched before the old one goes.
    """

    def __init__(self, engine: Engine, applying: Applying, name: str, watch: float = 0.0) -> None:
        self._engine = engine
        self._applying = applying
        self._name = name
        self._watch = watch

    async def bring_up(self, resource: Resource) -> None:
        """Make it anew, and put the old one back when the new one does not become healthy.

        Raises:
            ApplyError: with the container's last lines; what ran before runs again.
        """
        spec = container_spec(resource.spec)
        await self._refuse_foreign(spec)
        old = await self._only_fallback(spec)
        try:
            if old is not None:
                old = await self._set_aside(old, spec)
            await self._create(resource, spec, macs_of(old) if old is not None else frozenset())
            await self._start(spec.name, spec)
            await self._wait(spec.name, resource)
            await self._enter(spec)
            await self._keep_watching(spec.name, resource)
        except ApplyError as error:
            # A host that stops answering is no ApplyError: nothing can be undone there now, the next run does.
            raise await self._undone(error, spec, old) from error
        if old is not None:
            await self._leave(old)
            await self._discard(old, spec.stop_grace)

    async def update(self, resource: Resource) -> None:
        """Change it in place: its limits, its network, whether it runs; finish what a killed run began.

        Raises:
            ApplyError: with the container's last lines, when it was started and did not become healthy.
        """
        spec = container_spec(resource.spec)
        await self._refuse_foreign(spec)
        twins = await self._without_late_one(await self._twins(spec), resource, spec)
        old = twins.spares[0] if twins.spares and twins.current else None
        if not twins.every:
            raise self._failure("is gone", hint="run trellis up again: it is made anew")
        if twins.current is None:
            await self._engine.call(commands.rename(twins.spares[0]["Id"], spec.name))
        try:
            if await self._set_right(spec, str((twins.current or {}).get("State", ""))) or old is not None:
                await self._wait(spec.name, resource)
                await self._enter(spec)
        except ApplyError as error:
            raise await self._undone(error, spec, old) if old is not None else error from error
        for spare in (await self._twins(spec)).spares:
            await self._discard(spare, spec.stop_grace)

    async def _without_late_one(self, twins: Twins, resource: Resource, spec: ContainerSpec) -> Twins:
        """A killed run's own call may have made its container after this run had looked: that one is not wanted."""
        if twins.current is None or not twins.spares:
            return twins
        given = container_spec(spec_of(twins.current.get("Labels") or {}))
        wanted = container_spec(freeze_mapping(stored(resource.spec, self._applying.scope.salt)))
        if not any(differences(given, wanted)):
            return twins
        await self._discard(twins.current, spec.stop_grace)
        return Twins(None, twins.spares)

    async def remove(self, grace: float) -> None:
        """Stop it, then remove it with everything that waits under another name; its named volumes stay."""
        for container in await self._listed():
            await self._leave(container)
            await self._discard(container, grace)

    async def _leave(self, container: Json) -> None:
        """Balancers send it nothing more; in the place of one that has stopped, another one may serve already."""
        if container["State"] in ("running", "restarting"):
            await self._applying.traffic.leave(self._engine.host, published(spec_of(container.get("Labels") or {})))

    async def _enter(self, spec: ContainerSpec) -> None:
        await self._applying.traffic.enter(self._engine.host, {port.endpoint: port.host_port for port in spec.ports})

    async def _only_fallback(self, spec: ContainerSpec) -> Json | None:
        """What to fall back on; whatever else an interrupted run has left is removed."""
        twins = await self._twins(spec)
        fallback = twins.fallback()
        for container in twins.every:
            if container is not fallback:
                await self._discard(container, spec.stop_grace)
        return fallback

    async def _create(self, resource: Resource, spec: ContainerSpec, taken: frozenset[str]) -> None:
        """Make it; where a killed run's own call took the name just now, that container gives way."""
        deadline = monotonic() + _CREATION_TAKES
        while True:
            try:
                return await self._engine.call(commands.create_container(resource, self._applying.scope, taken))
            except EngineError as error:
                if error.status != 409 or monotonic() > deadline:
                    raise
            await self._refuse_foreign(spec)
            late = (await self._twins(spec)).current
            if late is None:
                await asyncio.sleep(0.1)
            else:
                await self._discard(late, spec.stop_grace)

    async def _set_aside(self, old: Json, spec: ContainerSpec) -> Json:
        """Let the old one wait under another name; the old one as it is then."""
        if old["State"] != "exited" and not await self._may_overlap(old, spec):
            if self._applying.source is None:
                # Of a moved instance, it is the one on the host that it leaves that serves.
                await self._leave(old)
            self._applying.report("stopping the old one")
            await self._engine.call(commands.stop(old["Id"], spec.stop_grace))
            old = {**old, "State": "exited"}
        if listed_name(old) != spec.previous:
            await self._engine.call(commands.rename(old["Id"], spec.previous))
        return old

    async def _may_overlap(self, old: Json, spec: ContainerSpec) -> bool:
        if not spec.start_first:
            return False
        inspected = await self._engine.container(old["Id"])
        wanted = {(port.protocol, port.host_port) for port in spec.ports}
        if inspected is not None and wanted & host_ports(inspected):
            self._applying.report("the new one needs the old one's port, so the old one stops first")
            return False
        return True

    async def _set_right(self, spec: ContainerSpec, listed_state: str) -> bool:
        """Put limits, network and state right, and have the engine write that down; True when it had to be started."""
        inspected = await self._engine.container(spec.name) or {}
        limits = inspected["HostConfig"]
        policy = (limits.get("RestartPolicy") or {}).get("Name")
        now = (limits.get("Memory") or 0, limits.get("CpuShares") or 1024, policy)
        wanted = (spec.memory, spec.cpu_shares, commands.RESTART_POLICY)
        if now != wanted or is_unrecorded(inspected, listed_state):
            await self._engine.call(commands.update_container(spec.name, spec))
        await self._join_network(spec, inspected)
        status = inspected["State"]["Status"]
        if status == "paused":
            await self._engine.call(commands.unpause(spec.name))
        elif status not in ("running", "restarting"):
            await self._start(spec.name, spec)
        return bool(status != "running")

    async def _join_network(self, spec: ContainerSpec, inspected: Json) -> None:
        if spec.network == "host":
            return
        network = await self._engine.network(spec.network) or {}
        attached = inspected["NetworkSettings"]["Networks"].get(spec.network)
        if attached is not None and attached.get("NetworkID") in ("", network.get("Id")):
            return
        if attached is not None:
            # The network was made anew since, and the container still means the one that is gone.
            await self._engine.call(commands.disconnect(spec.name, spec.network))
        await self._engine.call(commands.connect(spec.name, spec))

    async def _start(self, container: str, spec: ContainerSpec) -> None:
        try:
            await self._engine.call(commands.start(container))
        except EngineError as error:
            what, hint = explain_start(error.message, self._engine.host)
            raise self._failure(f"cannot be started: {what}", hint=hint, name=spec.name) from error

    async def _wait(self, container: str, resource: Resource) -> None:
        """Until it is healthy.

        Raises:
            ApplyError: it is not, with its last lines.
        """
        since = monotonic()
        inspected = await self._engine.container(container) or {}
        spec = container_spec(resource.spec)
        vitals = Vitals(self._engine, self._applying, inspected.get("Id", ""), spec, since=since)
        answer = await vitals.wait()
        if not answer.healthy:
            lines = await self._last_lines(container, resource)
            said = "".join(f"\n  | {line}" for line in lines) or "\n  (it printed nothing)"
            raise self._failure(
                f"{answer.detail}; its last lines:{said}",
                hint="put right the image, its config or its health check, then run trellis up again",
            )

    async def _keep_watching(self, container: str, resource: Resource) -> None:
        """A canary serves for a while before the others follow.

        Raises:
            ApplyError: it ended, or became unhealthy.
        """
        deadline = monotonic() + self._watch
        while monotonic() < deadline:
            self._applying.report(f"watching the canary for {max(0.0, deadline - monotonic()):.0f} s")
            await asyncio.sleep(min(_BETWEEN_LOOKS, max(0.0, deadline - monotonic())))
            inspected = await self._engine.container(container) or {}
            vitals = Vitals(self._engine, self._applying, inspected.get("Id", ""), container_spec(resource.spec))
            answer = await vitals.look_again()
            if not answer.healthy:
                raise self._failure(
                    f"did not stay healthy: {answer.detail}",
                    hint="put right the image or its config, then run it again",
                )

    async def _last_lines(self, container: str, resource: Resource) -> Sequence[str]:
        env = resource.spec.get("env") or {}
        secrets = [value for value in env.values() if isinstance(value, Secret)] if isinstance(env, Mapping) else []
        try:
            return last_lines(await self._engine.log(container, _LOG_LINES), secrets)
        except EngineError:
            return ()

    async def _undone(self, error: ApplyError, spec: ContainerSpec, old: Json | None) -> ApplyError:
        """Put the old one back; the error to raise, which says whether that worked."""
        self._applying.report("putting the old one back" if old else "removing what does not work")
        try:
            await self._put_back(spec, old)
        except TrellisError as second:
            after = f"and the old one could not be put back: {second.what}" if old else "and it could not be removed"
        else:
            after = "the old one runs again" if old else "it was removed again"
        return ApplyError(f"{error.what}\n  {after}", where=error.where, hint=error.hint)

    async def _put_back(self, spec: ContainerSpec, old: Json | None) -> None:
        for container in await self._listed():
            if old is None or container["Id"] != old["Id"]:
                await self._leave(container)
                await self._discard(container, spec.stop_grace)
        if old is not None:
            present = await self._engine.container(old["Id"]) or {}
            if str(present.get("Name", "")).removeprefix("/") != spec.name:
                await self._engine.call(commands.rename(old["Id"], spec.name))
            await self._start(old["Id"], spec)
            await self._serve_again(old)

    async def _serve_again(self, old: Json) -> None:
        """The old one is healthy again, or has had its time for that: balancers look for themselves from then on."""
        given = spec_of(old.get("Labels") or {})
        if given.get("name"):
            await Vitals(self._engine, self._applying, old["Id"], container_spec(given)).wait()
        await self._applying.traffic.enter(self._engine.host, published(given))

    async def _discard(self, container: Json, grace: float) -> None:
        """Stop and remove; somebody who was faster is welcome."""
        try:
            if container["State"] in ("running", "restarting"):
                await self._engine.call(commands.stop(container["Id"], grace))
            await self._engine.call(commands.remove_container(container["Id"]))
        except EngineError as error:
            if error.status not in (404, 409):
                raise
            await self._listed()

    async def _twins(self, spec: ContainerSpec) -> Twins:
        listed = await self._listed()
        current = next((one for one in listed if listed_name(one) == spec.name), None)
        return Twins(current, [one for one in listed if one is not current])

    async def _listed(self) -> Sequence[Json]:
        """This resource's containers, the youngest first, once no removal is under way any more."""
        deadline = monotonic() + _REMOVAL_TAKES
        while True:
            found = await self._engine.containers(filters(self._applying.scope, self._name))
            listed = await own_containers(self._engine, found, self._applying.scope)
            if all(one["State"] != "removing" for one in listed):
                return listed
            if monotonic() > deadline:
                raise self._failure("is being removed, and that does not end", hint="restart that host's Docker Engine")
            await asyncio.sleep(0.1)

    async def _refuse_foreign(self, spec: ContainerSpec) -> None:
        names = (spec.name, spec.previous)
        for name, present in zip(names, await asyncio.gather(*map(self._engine.container, names)), strict=True):
            if present is not None and not is_ours(present["Config"].get("Labels"), self._applying.scope):
                raise foreign_name("container", name, self._engine.host, ApplyError)

    def _failure(self, what: str, *, hint: str, name: str = "") -> ApplyError:
        return ApplyError(f"container {name or self._name} {what}", where=f"host {self._engine.host}", hint=hint)
