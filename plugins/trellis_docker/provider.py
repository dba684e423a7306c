"""The provider of images, networks, volumes and containers."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial
from weakref import WeakKeyDictionary

from trellis.health import HealthState, ask, check_from, state_of
from trellis.hosts import ForeignUse, HostSession
from trellis.plans import Decision, Step
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource
from trellis_docker import deciding, facts
from trellis_docker.client import Engine, open_engine
from trellis_docker.ownership import own_containers
from trellis_docker.spec import container_spec

OpenEngine = Callable[[HostSession], AbstractAsyncContextManager[Engine]]


class DockerProvider:
    """Keeps what runs in Docker; touches only what carries the labels of its scope.

    Args:
        engines: opens the engine of a session's host.
    """

    kinds: Mapping[str, int] = {"image": 10, "network": 20, "volume": 30, "container": 50}

    def __init__(self, engines: OpenEngine = open_engine) -> None:
        self._engines = engines
        self._just_listed: WeakKeyDictionary[HostSession, Sequence[facts.Json]] = WeakKeyDictionary()

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """Trellis's images, networks, volumes and containers, and foreign things on names that it would use."""
        async with self._engines(session) as engine:
            listed, networks, volumes = await asyncio.gather(engine.containers(), engine.networks(), engine.volumes())
            ours = [one["Id"] for one in await own_containers(engine, listed, scope)]
            found = facts.Found(await _inspected(engine, ours), networks, volumes, listed=listed)
            images = await _images(engine, facts.references(found, scope))
        self._just_listed[session] = listed
        return facts.actuals(replace(found, images=images), scope, session.host.name)

    async def foreign_use(self, session: HostSession, scope: Scope) -> ForeignUse:
        """What the containers of others may take on this host; after `observe`, of those that it has listed."""
        listed = self._just_listed.pop(session, None)
        if listed is not None and not any(facts.takes_from(one, scope) for one in listed):
            return ForeignUse()
        async with self._engines(session) as engine:
            listed = await engine.containers() if listed is None else listed
            theirs = [one["Id"] for one in listed if facts.takes_from(one, scope)]
            return facts.foreign_use(listed, await _inspected(engine, theirs), scope)

    async def health(self, session: HostSession, actual: Actual, now: datetime) -> HealthState:
        """Whether a container serves now: by its spec's check, else by its image's own."""
        from trellis_docker import vitals

        check = check_from(container_spec(actual.spec).health) if actual.spec else None
        if not actual.state.get("running"):
            return "unhealthy"
        if check is None:
            return vitals.own_health(str(actual.state.get("health")))
        if check.kind == "command":
            async with self._engines(session) as engine:
                answer = await ask(check, session, partial(engine.execute, str(actual.state["id"])))
        else:
            answer = await ask(check, session, vitals.no_command)
        return state_of(answer, age=facts.age(actual, now), timeout=check.timeout)

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
        """What is to be done about one resource, and why.

        Raises:
            PolicyError: something that is not Trellis's has the name.
        """
        return deciding.decide(desired, actual, salt)

    def drift(self, actual: Actual) -> str:
        """What somebody else changed; see `trellis.plugin.contracts.TellsDrift`."""
        return deciding.drift(actual)

    async def apply(self, step: Step, applying: Applying) -> None:
        """Do what the step says; killed at any moment, the next run finishes or undoes it.

        Raises:
            ApplyError: it could not be done, and the old state is back.
        """
        from trellis_docker.applying import apply

        async with self._engines(applying.session) as engine:
            if applying.source is None:
                await apply(step, applying, engine)
                return
            async with self._engines(applying.source) as source:
                await apply(step, applying, engine, source)


async def _inspected(engine: Engine, containers: Iterable[str]) -> Sequence[facts.Json]:
    """Those that are still there."""
    answers = await asyncio.gather(*(engine.container(one) for one in containers))
    return [answer for answer in answers if answer is not None]


async def _images(engine: Engine, references: Iterable[str]) -> Mapping[str, facts.Json]:
    names = sorted(references)
    answers = await asyncio.gather(*(engine.image(name) for name in names))
    return {name: image for name, image in zip(names, answers, strict=True) if image is not None}
