"""Keeps HAProxy's configuration on hosts: checked first, swapped by rename, reloaded without dropping."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

from trellis.errors import ApplyError
from trellis.hosts import HostSession
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource
from trellis_haproxy.asking import loaded, wait_until_loaded
from trellis_haproxy.deciding import decide, drift
from trellis_haproxy.desiring import KIND
from trellis_haproxy.engine import Engine, GoneError, engine_of
from trellis_haproxy.existing import clashes
from trellis_haproxy.facts import Printed, actual_of, complaints
from trellis_haproxy.files import Files, read
from trellis_haproxy.model import ProxyConfig
from trellis_haproxy.record import Record, text_digest
from trellis_haproxy.runtime import Running
from trellis_haproxy.servers import lines_of
from trellis_haproxy.worker import Worker

_SECONDS_TO_LOAD = 15.0
_SECONDS_TO_GO_BACK = 5.0
_BETWEEN_LOOKS = 0.2


class HAProxyProvider:
    """Provider of `haproxy-config` resources.

    Their spec: `config` (the text), `digest` (what a worker with it answers), `folder` (on the host), `container` (its
    whole name), `image`, `ports`, `sites`, and `mounts_into`: the mounts that the named container needs.
    """

    kinds: Mapping[str, int] = {KIND: 45}

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """The configurations that Trellis wrote, and what the running workers have of them.

        Raises:
            TrellisError: the folder could not be read.
        """
        proxies = await read(session, scope)
        answers = await asyncio.gather(*(_ask(session, proxy, scope) for proxy in proxies))
        host = session.host.name
        return [actual_of(proxy, host, *answer) for proxy, answer in zip(proxies, answers, strict=True)]

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:  # noqa: ARG002 - no secrets
        """What is to be done about one proxy's configuration; pure."""
        return decide(desired, actual)

    def drift(self, actual: Actual) -> str:
        """What somebody else changed; see `trellis.plugin.contracts.TellsDrift`."""
        return drift(actual)

    async def apply(self, step: Step, applying: Applying) -> None:
        """Check, swap, reload and ask; or take the folder away.

        Raises:
            ApplyError: HAProxy does not take the configuration; the old one is in place and serves.
        """
        if step.verb is Verb.REMOVE:
            scope = applying.scope
            await Files(applying, f"{scope.folder}/{step.key.name}", str(step.key)).remove(scope.data_dir)
        elif step.verb is not Verb.KEEP:
            async with engine_of(applying.session) as engine:
                await _Change(step, applying, engine).apply()


class _Change:
    """One new configuration on its way into a running proxy."""

    def __init__(self, step: Step, applying: Applying, engine: Engine) -> None:
        assert step.resource is not None  # noqa: S101 - a step that changes a config has a resource
        self._step, self._applying, self._engine = step, applying, engine
        self._wanted = ProxyConfig.of(step.resource.spec)
        written = text_digest(self._wanted.config)
        self._before = _record_of(step.actual)
        self._before_text = str(step.actual.state.get("config") or "") if step.actual else ""
        self._files = Files(applying, self._wanted.folder, str(step.key))
        self._done = Record(step.resource.spec, step.resource.owner, (written,), self._wanted.ports)
        self._under_way = Record(
            self._before.spec,
            step.resource.owner,
            tuple(dict.fromkeys((*self._before.written, written))),
            tuple(dict.fromkeys((*self._wanted.ports, *self._before.ports))),
            unfinished=True,
        )

    async def apply(self) -> None:
        await self._refuse_clashes()
        await self._files.stage(self._wanted.config, self._under_way, self._wanted.existing)
        await self._check()
        await self._files.swap("use")
        if await self._engine.running(self._wanted.container) and not await self._only_servers():
            await self._reload()
        await self._files.swap("finish", self._done)

    async def _refuse_clashes(self) -> None:
        """The operator's own sections are never overwritten, nor are their ports shared."""
        if not self._wanted.existing:
            return
        found = clashes(await self._files.existing(self._wanted.existing), self._wanted.config)
        if found:
            raise ApplyError(
                f"{self._wanted.existing} and Trellis's configuration clash: {'; '.join(found)}",
                where=str(self._step.key),
                hint="what ran before still runs; rename the section or give one side another port",
            )

    async def _only_servers(self) -> bool:
        """Whether the worker has the structure, and by now the servers: then nothing is reloaded."""
        session, container = self._applying.session, self._wanted.container
        if self._takes_existing:
            return False
        if await loaded(session, container, self._under_way.ports) != self._wanted.digest:
            return False
        lines = lines_of(self._wanted.config)
        backends = {place.backend for place in lines} | {place.backend for place in lines_of(self._before_text)}
        return await self._worker.make_equal(lines, ours=lambda place: place.backend in backends)

    @property
    def _takes_existing(self) -> bool:
        """Whether the operator's own configuration is another one than last time; no worker tells."""
        found = self._step.actual.state.get("existing") if self._step.actual else "-"
        return found in {"changed", "missing"} or str(self._before.spec.get("existing") or "") != self._wanted.existing

    @property
    def _worker(self) -> Worker:
        return Worker(self._engine, self._wanted.container)

    async def _took(self, before: tuple[int, int]) -> bool:
        """Whether the reload went well, where the worker's answer cannot tell."""
        deadline = monotonic() + _SECONDS_TO_LOAD
        while self._takes_existing and (after := await self._worker.reloads()) == before:
            if monotonic() > deadline:
                return False
            await asyncio.sleep(_BETWEEN_LOOKS)
        return not self._takes_existing or after[1] == before[1]

    async def _check(self) -> None:
        self._applying.report("checking the configuration")
        valid, output = await self._engine.check(self._wanted)
        if not valid:
            await self._files.swap("drop", self._before if self._step.actual else None)
            raise self._failure(f"HAProxy does not take the new configuration: {complaints(output)}")

    async def _reload(self) -> None:
        self._applying.report("reloading HAProxy")
        _, moment = await self._engine.log(self._wanted.container)
        before = await self._worker.reloads()
        await self._engine.reload(self._wanted.container)
        if await self._loaded(self._wanted.digest, _SECONDS_TO_LOAD) and await self._took(before):
            return
        printed, _ = await self._engine.log(self._wanted.container, after=moment)
        await self._go_back()
        raise self._failure(f"the running HAProxy did not load the new configuration: {complaints(printed)}")

    async def _go_back(self) -> None:
        """The old file again; its workers never stopped, and a reload makes the master whole."""
        await self._files.swap("back", self._before)
        if self._before.spec and await self._engine.running(self._wanted.container):
            await self._engine.reload(self._wanted.container)
            await self._loaded(ProxyConfig.of(self._before.spec).digest, _SECONDS_TO_GO_BACK)

    async def _loaded(self, digest: str, seconds: float) -> bool:
        session, container = self._applying.session, self._wanted.container
        return await wait_until_loaded(session, container, self._under_way.ports, digest, seconds)

    def _failure(self, what: str) -> ApplyError:
        old = "the old configuration is in place and serves" if self._before.written else "nothing ran there before"
        return ApplyError(what, where=str(self._step.key), hint=f"{old}; mend the stack and run trellis up again")


async def _ask(session: HostSession, proxy: Printed, scope: Scope) -> tuple[str, Sequence[Running] | None]:
    """The structure and the servers that the running worker has; without it, an empty text and None."""
    container = f"{scope.stack}-{scope.environment}-{proxy.name}"
    digest = await loaded(session, container, proxy.record.ports)
    if not digest:
        return "", None
    async with engine_of(session) as engine:
        with suppress(GoneError):
            return digest, await Worker(engine, container).servers()
    return "", None


def _record_of(actual: Actual | None) -> Record:
    """What was last applied; an empty record when nothing was."""
    if actual is None:
        return Record()
    written, ports = actual.state["written"], actual.state["ports"]
    assert isinstance(written, tuple)  # noqa: S101 - for the type checker: `actual_of` makes it so
    assert isinstance(ports, tuple)  # noqa: S101 - likewise
    numbers = tuple(port for port in ports if isinstance(port, int))
    return Record(actual.spec, actual.owner, tuple(map(str, written)), numbers)
