"""Commands that are asked for at the same moment, sent to a host as one: one session and one sudo for all."""

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trellis.errors import TimedOutError
from trellis.hosts import Completed

# Data comes as arguments: a word that no command can have seen, then each command as one quoted line. What one prints
# ends with that word on both streams, and with its status on standard output.
_ALL = """
for line; do
    eval "$line" </dev/null
    printf '%s %s\\n' "$0" "$?"
    printf '%s\\n' "$0" >&2
done
"""
_MOST_BYTES = 96 * 1024
"""Of all lines: the host's kernel takes 128 KiB for one argument (MAX_ARG_STRLEN), and quoting adds to them."""

_LATE = 124
"""How timeout(1) ends when the command was late."""

RunOne = Callable[[Sequence[str], float], Awaitable[Completed]]


@dataclass(slots=True)
class _Waiting:
    argv: tuple[str, ...]
    timeout: float
    ended: "asyncio.Future[Completed]"


class Together:
    """Collects commands until the event loop's next turn.

    Args:
        run: runs one command.
        new_word: a word that ends what a command prints.
    """

    def __init__(self, run: RunOne, new_word: Callable[[], str]) -> None:
        self._run = run
        self._new_word = new_word
        self._waiting: list[_Waiting] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, argv: Sequence[str], timeout: float) -> Completed:
        """Run a command, with others that are asked for now."""
        mine = _Waiting(tuple(argv), timeout, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._send())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await mine.ended

    async def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        waiting = [one for one in waiting if not one.ended.done()]
        lines = [shlex.join(["timeout", f"{one.timeout:g}", *one.argv]) for one in waiting]
        if len(waiting) < 2 or sum(len(shlex.quote(line)) for line in lines) > _MOST_BYTES:
            await asyncio.gather(*(self._alone(one) for one in waiting))
            return
        word = self._new_word()
        try:
            whole = await self._run(("sh", "-c", _ALL, word, *lines), sum(one.timeout for one in waiting))
        except BaseException as error:  # noqa: BLE001 - it is told to everybody who waits
            for one in waiting:
                _settle(one, error)
        else:
            for one, answer in zip(waiting, divided([one.argv for one in waiting], whole, word), strict=True):
                _settle(one, _late(one) if answer.status == _LATE else answer)

    async def _alone(self, one: _Waiting) -> None:
        try:
            _settle(one, await self._run(one.argv, one.timeout))
        except BaseException as error:  # noqa: BLE001 - it is told to the one who waits
            _settle(one, error)


def _settle(one: _Waiting, answer: Completed | BaseException) -> None:
    if one.ended.done():
        return
    if isinstance(answer, Completed):
        one.ended.set_result(answer)
    elif isinstance(answer, asyncio.CancelledError):
        one.ended.cancel()
    else:
        one.ended.set_exception(answer)


def _late(one: _Waiting) -> TimedOutError:
    return TimedOutError(f"{one.argv[0]} did not end within {one.timeout:g} s")


def divided(commands: Sequence[tuple[str, ...]], whole: Completed, word: str) -> tuple[Completed, ...]:
    """What each command printed, and its status; one that the shell did not get to has the whole's, which is no 0."""
    out = re.split(rf"{re.escape(word)} (\d+)\n", whole.stdout)  # text, status, text, status, rest
    errors = whole.stderr.split(f"{word}\n")
    return tuple(
        Completed(argv, int(out[2 * place + 1]), out[2 * place], errors[place])
        if len(out) > 2 * place + 1 and len(errors) > place
        else Completed(argv, whole.status or 255, "", whole.stderr)
        for place, argv in enumerate(commands)
    )
