"""One HAProxy of the stack: servers leave and enter while it serves, at run time and in its file."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from trellis.deployment import HostAddress
from trellis.errors import ApplyError
from trellis.plugin.contracts import Applying, BalancedServer, Leaving
from trellis_haproxy.asking import wait_until_loaded
from trellis_haproxy.engine import Engine, GoneError, engine_of
from trellis_haproxy.facts import Printed
from trellis_haproxy.files import Files, read
from trellis_haproxy.runtime import Running
from trellis_haproxy.servers import Line, Place, disabled, lines_of, server_name, with_servers, without_servers
from trellis_haproxy.worker import Worker

_SECONDS_TO_LOAD = 15.0


@dataclass(frozen=True, slots=True)
class HAProxyEntrance:
    """One HAProxy instance of the stack.

    Attributes:
        host: the host that carries it.
        name: ``proxy-1``.
        container: its whole name.
        services: whose instances it sends traffic to.
        lines: the servers that its configuration is to have.
        ports: at which its worker tells what it has loaded.
        stays: it is not to be removed, so that its file is kept right.
        changing: held while its file is changed.
        serves_alone: it serves no longer than its host does.
    """

    host: str
    name: str
    container: str
    services: Collection[str]
    lines: Mapping[Place, Line]
    ports: Sequence[int]
    stays: bool = True
    changing: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)
    serves_alone: bool = False

    async def leave(self, leaving: Leaving, applying: Applying) -> None:
        """Take the servers out of every worker, wait, and forget them unless they return."""
        async with engine_of(applying.session) as engine:
            if not await engine.running(self.container):
                return
            try:
                await self._leave(leaving, applying, engine)
            except GoneError:
                return  # it is ending, by a destroy for example, and takes no new traffic
            except ApplyError:
                # It may have been stopped or removed meanwhile: then it sends no traffic either.
                if await engine.running(self.container):
                    raise

    async def _leave(self, leaving: Leaving, applying: Applying, engine: Engine) -> None:
        # The file first: a reload in between, for a certificate perhaps, must not bring them back.
        if self.stays:
            await self._write_out(leaving, applying)
        worker = Worker(engine, self.container)
        places = await worker.retire(_meant(leaving.servers), leaving.seconds, applying.report)
        if places and not leaving.returns:
            await worker.forget(places)

    async def enter(self, servers: Sequence[BalancedServer], applying: Applying) -> None:
        """Write the servers into the file and give them to the worker, where their backends are there already.

        Backends that are still to come bring their servers with them.

        Raises:
            ApplyError: HAProxy does not send them traffic, even after a reload.
        """
        async with engine_of(applying.session) as engine:
            if await engine.running(self.container):
                with suppress(GoneError):
                    async with self.changing:
                        await self._enter(servers, applying, engine)

    async def _enter(self, servers: Sequence[BalancedServer], applying: Applying, engine: Engine) -> None:
        printed = await self._printed(applying)
        if printed is None or printed.config is None:
            return
        names = {_name(server) for server in servers}
        text = with_servers(printed.config, [line for place, line in self.lines.items() if place.name in names])
        await self._write(text, printed, applying)
        if not await self._serves(text, names, engine):
            applying.report("reloading HAProxy, as this server cannot be added while it runs")
            await engine.reload(self.container)
            digest = str(printed.record.spec.get("digest", ""))
            if not await wait_until_loaded(applying.session, self.container, self.ports, digest, _SECONDS_TO_LOAD):
                raise ApplyError(
                    f"HAProxy does not send traffic to {', '.join(sorted(names))}",
                    where=f"{self.name}@{self.host}",
                    hint=f"see docker logs {self.container} on that host",
                )

    async def _serves(self, text: str, names: Collection[str], engine: Engine) -> bool:
        """Whether the worker has them; what others are changing at this moment is left alone."""
        given = {place: line for place, line in lines_of(text).items() if place.name in names}
        return await Worker(engine, self.container).make_equal(given, ours=lambda place: place in given)

    async def _write_out(self, leaving: Leaving, applying: Applying) -> None:
        names = {_name(server) for server in leaving.servers}
        async with self.changing:
            printed = await self._printed(applying)
            if printed is None or printed.config is None:
                return
            places = {place for place in lines_of(printed.config) if place.name in names}
            change = disabled if leaving.returns else without_servers
            await self._write(change(printed.config, places), printed, applying)

    async def _write(self, text: str, printed: Printed, applying: Applying) -> None:
        if text != printed.config:
            files = Files(applying, f"{applying.scope.folder}/{self.name}", f"{self.name}@{self.host}")
            await files.write(text, printed.record)

    async def _printed(self, applying: Applying) -> Printed | None:
        found = await read(applying.session, applying.scope)
        return next((printed for printed in found if printed.name == self.name), None)


def _name(server: BalancedServer) -> str:
    return server_name(server.instance, HostAddress(server.address, server.port))


def _meant(servers: Sequence[BalancedServer]) -> Callable[[Running], bool]:
    """The servers of an instance, also under a name that was made by another rule."""
    names = {_name(server) for server in servers}
    addresses = {(server.instance, str(HostAddress(server.address, server.port))) for server in servers}
    return lambda one: one.place.name in names or (one.place.instance, one.address) in addresses
