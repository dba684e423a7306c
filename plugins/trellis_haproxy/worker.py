"""A running HAProxy whose servers are changed while it serves."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic

from trellis.errors import ApplyError
from trellis.plugin.contracts import Report
from trellis_haproxy.engine import Engine
from trellis_haproxy.runtime import (
    CURRENT,
    LIST_PROCESSES,
    Running,
    cut,
    differing,
    forget,
    is_table,
    list_servers,
    old_workers,
    reloads_in,
    servers_in,
    take_out,
)
from trellis_haproxy.servers import Line, Place

_BETWEEN_LOOKS = 0.2
_TO_ANSWER = 5.0


class Worker:
    """The worker of one container, and those that finish what they had before a reload.

    Args:
        engine: of its host.
        container: its whole name.
    """

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container

    async def servers(self) -> list[Running]:
        """What the worker that takes new connections knows.

        Raises:
            ApplyError: it does not answer.
        """
        return list(servers_in(await self._table(CURRENT)))

    async def _table(self, worker: str) -> str:
        """A worker's servers; during a reload the new one may need a moment, and an old one may just have ended."""
        deadline = monotonic() + _TO_ANSWER
        while not is_table(answer := await self._engine.ask(self._container, [list_servers(worker)])):
            if worker != CURRENT:
                return ""
            if monotonic() > deadline:
                raise ApplyError(
                    f"HAProxy's worker does not say what servers it has: {answer.strip()[:200]}", where=self._container
                )
            await asyncio.sleep(_BETWEEN_LOOKS)
        return answer

    async def reloads(self) -> tuple[int, int]:
        """How often HAProxy was reloaded, and how often that failed."""
        return reloads_in(await self._engine.ask(self._container, [LIST_PROCESSES]))

    async def make_equal(self, wanted: Mapping[Place, Line], ours: Callable[[Place], bool]) -> bool:
        """Whether the worker sends traffic to the wanted servers and no other of ours, after what needs no reload."""
        found = differing(wanted, await self.servers(), ours=ours)
        if found.needs_reload:
            return False
        if found:
            await self._engine.ask(self._container, found.commands)
        return not differing(wanted, await self.servers(), ours=ours)

    async def retire(self, is_meant: Callable[[Running], bool], seconds: float, report: Report) -> set[Place]:
        """Take servers out of every worker, and wait for what they have under way; the places that they had.

        After `seconds` what is left is cut off: websockets do not end by themselves.
        """
        deadline = monotonic() + seconds
        workers = [CURRENT, *old_workers(await self._engine.ask(self._container, [LIST_PROCESSES]))]
        found = await self._meant(workers, is_meant)
        places = {server.place for servers in found.values() for server in servers}
        if not places:
            return places
        await self._engine.ask(self._container, _each(found, take_out))
        # Asked again, as requests came until that moment.
        found = await self._meant(workers, is_meant)
        said = -1
        while left := sum(server.sessions for servers in found.values() for server in servers):
            if monotonic() > deadline:
                report(f"{_counted(left)} still open after {seconds:g} s; they are closed")
                await self._engine.ask(self._container, _each(found, cut))
                break
            if left != said:
                report(f"draining: {_counted(left)} left")
                said = left
            await asyncio.sleep(_BETWEEN_LOOKS)
            found = await self._meant(workers, is_meant)
        return places

    async def forget(self, places: Iterable[Place]) -> None:
        """Remove servers that were taken out; one that HAProxy still holds stays out until the next reload."""
        await self._engine.ask(self._container, forget(places))

    async def _meant(self, workers: Sequence[str], is_meant: Callable[[Running], bool]) -> dict[str, list[Running]]:
        answers = [await self._table(worker) for worker in workers]
        return {
            worker: [server for server in servers_in(answer) if is_meant(server)]
            for worker, answer in zip(workers, answers, strict=True)
        }


def _each(found: Mapping[str, Sequence[Running]], command: Callable[[str, Iterable[Place]], list[str]]) -> list[str]:
    return [line for worker, servers in found.items() for line in command(worker, (one.place for one in servers))]


def _counted(count: int) -> str:
    return "1 request or connection" if count == 1 else f"{count} requests or connections"
