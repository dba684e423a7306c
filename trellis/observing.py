"""Observe: reach every host at once, and find what is there."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trellis.connecting import connector_of
from trellis.errors import TimedOutError, UnreachableError
from trellis.hosts import ForeignUse, Host, HostFacts, HostSession
from trellis.plugin.contracts import CloudSession, Connector, CountsForeignUse, KeepsInClouds, Provider, Scope
from trellis.resources import Actual, ResourceKey


@dataclass(frozen=True, slots=True)
class Observed:
    """What one host answered; `problem` is a sentence when it did not, and the rest is then empty."""

    host: Host
    scope: Scope
    session: HostSession | None = None
    facts: HostFacts = field(default_factory=HostFacts)
    actuals: tuple[Actual, ...] = ()
    problem: str = ""
    connector: Connector | None = None


@dataclass(frozen=True, slots=True)
class Looking:
    """What is needed to look: who connects, who knows which kinds, and whose resources are looked for."""

    connectors: Mapping[str, Connector]
    providers: Sequence[Provider]
    stack: str
    environment: str
    salt: bytes
    expected: Mapping[str, tuple[ResourceKey, ...]]


async def observe(hosts: Sequence[Host], looking: Looking) -> dict[str, Observed]:
    """Every host, by name; hosts that do not answer are in it with their problem.

    Raises:
        NotAuthorisedError: a host's key changed, or an account is refused.
        ConfigError: no plugin knows a host's way to connect.
    """
    found = await asyncio.gather(*(_observe_one(host, looking) for host in hosts), return_exceptions=True)
    errors = [item for item in found if isinstance(item, BaseException)]
    if errors:
        await close(item for item in found if isinstance(item, Observed))
        raise errors[0]
    return {item.host.name: item for item in found if isinstance(item, Observed)}


async def close(observed: Iterable[Observed]) -> None:
    """End the sessions; a session that cannot be ended cleanly is no reason to fail now."""
    sessions = [item.session for item in observed if item.session is not None]
    await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)


async def _observe_one(host: Host, looking: Looking) -> Observed:
    scope = Scope(looking.stack, looking.environment, looking.expected.get(host.name, ()), looking.salt)
    session: HostSession | None = None
    try:
        connector = connector_of(host, looking.connectors, looking.environment)
        session = await connector.connect(host)
        return replace(await _look(session, scope, looking), connector=connector)
    except (UnreachableError, TimedOutError) as error:  # a host that answers too late is as good as one that is away
        await _close_one(session)
        return Observed(host, scope, problem=str(error))
    except BaseException:
        await _close_one(session)
        raise


async def _close_one(session: HostSession | None) -> None:
    if session is not None:
        await session.close()


async def _look(session: HostSession, scope: Scope, looking: Looking) -> Observed:
    """What is at the other end: a host, or a place that plugins keep things in."""
    if isinstance(session, CloudSession):
        keeping = [provider for provider in looking.providers if isinstance(provider, KeepsInClouds)]
        found = await asyncio.gather(*(provider.observe_cloud(session, scope) for provider in keeping))
        actuals = tuple(actual for part in found for actual in part)
        return Observed(session.host, scope, session, await session.facts(scope), actuals)
    return await _look_at_host(session, scope, looking)


async def _look_at_host(session: HostSession, scope: Scope, looking: Looking) -> Observed:
    """Everything at once: nearly every account keeps its data at the usual place, so nothing waits for the facts."""
    from trellis.facts.gathering import gather_facts
    from trellis.facts.judging import with_foreign_use

    seen = asyncio.create_task(_see(session, scope, looking))
    try:
        facts = await gather_facts(session)
        if facts.data_dir != scope.data_dir:
            await _forget(seen)
            scope = replace(scope, data_dir=facts.data_dir)
            seen = asyncio.create_task(_see(session, scope, looking))
        actuals, uses = await seen
    finally:
        await _forget(seen)
    for use in uses:
        facts = with_foreign_use(facts, use, actuals)
    return Observed(session.host, scope, session, facts, actuals)


async def _see(session: HostSession, scope: Scope, looking: Looking) -> tuple[tuple[Actual, ...], Sequence[ForeignUse]]:
    found = await asyncio.gather(*(provider.observe(session, scope) for provider in looking.providers))
    counting = [provider for provider in looking.providers if isinstance(provider, CountsForeignUse)]
    uses = await asyncio.gather(*(provider.foreign_use(session, scope) for provider in counting))
    return tuple(actual for part in found for actual in part), uses


async def _forget(task: "asyncio.Task[Any]") -> None:
    """End a task whose answer nobody needs."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
