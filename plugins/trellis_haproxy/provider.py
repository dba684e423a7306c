"""Keeps HAProxy's configuration on hosts: checked first, swapped by rename, reloaded without dropping."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from trellis.errors import ApplyError, TrellisError
from trellis.hosts import HostSession
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource
from trellis_haproxy.asking import loaded, wait_until_loaded
from trellis_haproxy.deciding import decide, drift
from trellis_haproxy.desiring import KIND
from trellis_haproxy.engine import Engine, engine_of
from trellis_haproxy.facts import Printed, actual_of, complaints, parse
from trellis_haproxy.model import ProxyConfig
from trellis_haproxy.record import Record, text_digest

_SCRIPTS = Path(__file__).parent / "scripts"
_SECONDS_TO_LOAD = 15.0
_SECONDS_TO_GO_BACK = 5.0


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
        host = session.host.name
        completed = await session.run(_script("observe", scope.folder), sudo=scope.as_root)
        if completed.status != 0:
            raise TrellisError(
                f"HAProxy's configuration could not be looked at: {completed.stderr.strip()}",
                where=f"host {host}",
                hint="Trellis reads it as root: give its account sudo rights there",
            )
        proxies = tuple(parse(completed.stdout, host))
        answers = await asyncio.gather(*(_ask(session, proxy, scope) for proxy in proxies))
        return [actual_of(proxy, host, answer) for proxy, answer in zip(proxies, answers, strict=True)]

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
            await _remove(step, applying)
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
        self._done = Record(step.resource.spec, step.resource.owner, (written,), self._wanted.ports)
        self._under_way = Record(
            self._before.spec,
            step.resource.owner,
            tuple(dict.fromkeys((*self._before.written, written))),
            tuple(dict.fromkeys((*self._wanted.ports, *self._before.ports))),
            unfinished=True,
        )

    async def apply(self) -> None:
        await self._stage()
        await self._check()
        await self._swap("use")
        if await self._engine.running(self._wanted.container):
            await self._reload()
        await self._swap("finish", self._done)

    async def _stage(self) -> None:
        text = self._wanted.config.encode()
        script = _script("stage", self._wanted.folder, str(len(text)), self._under_way.to_json())
        await self._run(script, "could not be written", text)

    async def _check(self) -> None:
        self._applying.report("checking the configuration")
        valid, output = await self._engine.check(self._wanted)
        if not valid:
            await self._swap("drop", self._before if self._step.actual else None)
            raise self._failure(f"HAProxy does not take the new configuration: {complaints(output)}")

    async def _reload(self) -> None:
        self._applying.report("reloading HAProxy")
        _, moment = await self._engine.log(self._wanted.container)
        await self._engine.reload(self._wanted.container)
        if await self._loaded(self._wanted.digest, _SECONDS_TO_LOAD):
            return
        printed, _ = await self._engine.log(self._wanted.container, after=moment)
        await self._go_back()
        raise self._failure(f"the running HAProxy did not load the new configuration: {complaints(printed)}")

    async def _go_back(self) -> None:
        """The old file again; its workers never stopped, and a reload makes the master whole."""
        await self._swap("back", self._before)
        if self._before.spec and await self._engine.running(self._wanted.container):
            await self._engine.reload(self._wanted.container)
            await self._loaded(ProxyConfig.of(self._before.spec).digest, _SECONDS_TO_GO_BACK)

    async def _loaded(self, digest: str, seconds: float) -> bool:
        session, container = self._applying.session, self._wanted.container
        return await wait_until_loaded(session, container, self._under_way.ports, digest, seconds)

    async def _swap(self, action: str, record: Record | None = None) -> None:
        words = [self._wanted.folder, action, *([record.to_json()] if record else [])]
        await self._run(_script("swap", *words), "could not be taken into use")

    async def _run(self, script: Sequence[str], what: str, stdin: bytes = b"") -> None:
        completed = await self._applying.session.run(script, stdin=stdin, sudo=self._applying.scope.as_root)
        if completed.status != 0:
            reason = completed.stderr.strip() or f"status {completed.status}"
            raise self._failure(f"the configuration {what}: {reason}")

    def _failure(self, what: str) -> ApplyError:
        old = "the old configuration is in place and serves" if self._before.written else "nothing ran there before"
        return ApplyError(what, where=str(self._step.key), hint=f"{old}; mend the stack and run trellis up again")


async def _ask(session: HostSession, proxy: Printed, scope: Scope) -> str:
    container = f"{scope.stack}-{scope.environment}-{proxy.name}"
    return await loaded(session, container, proxy.record.ports)


async def _remove(step: Step, applying: Applying) -> None:
    scope = applying.scope
    script = _script("remove", scope.data_dir, f"{scope.folder}/{step.key.name}")
    completed = await applying.session.run(script, sudo=scope.as_root)
    if completed.status != 0:
        raise ApplyError(f"the folder could not be removed: {completed.stderr.strip()}", where=str(step.key))


def _record_of(actual: Actual | None) -> Record:
    """What was last applied; an empty record when nothing was."""
    if actual is None:
        return Record()
    written, ports = actual.state["written"], actual.state["ports"]
    assert isinstance(written, tuple)  # noqa: S101 - for the type checker: `actual_of` makes it so
    assert isinstance(ports, tuple)  # noqa: S101 - likewise
    numbers = tuple(port for port in ports if isinstance(port, int))
    return Record(actual.spec, actual.owner, tuple(map(str, written)), numbers)


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    text = (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")
    return ("sh", "-c", text, f"trellis-haproxy-{name}", *arguments)
