"""Puts refusals into the environment's history: so many an hour, so that nobody who is refused can fill it."""

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from trellis.errors import TrellisError
from trellis.state.records import RunRecord
from trellis.state.store import open_store

MOST = 60
"""Refusals an hour; what is beyond them is in the console's own log."""

_HOUR = 3600.0


class Chronicle:
    """Adds refusals to the history of one environment; called from several threads.

    Args:
        state_url: of the project's state.
        environment: whose console it is.
        tell: shows a sentence to whoever watches the console.
    """

    def __init__(self, state_url: str, environment: str, tell: Callable[[str], None]) -> None:
        self._url, self._environment, self._tell = state_url, environment, tell
        self._lately: deque[float] = deque()
        self._turn = threading.Lock()

    def __call__(self, asked: str, who: str, why: str) -> None:
        """Record a refusal: what was asked for, by whom, and why it was refused."""
        with self._turn:
            now = monotonic()
            while self._lately and now - self._lately[0] > _HOUR:
                self._lately.popleft()
            if len(self._lately) > MOST:
                return
            self._lately.append(now)
            full = len(self._lately) > MOST
            more = (
                f"more than {MOST} refusals within an hour; all of them: trellis serve refused -e {self._environment}"
            )
            self._write(RunRecord(self._environment, "", asked, who, summary=more if full else why))

    def _write(self, record: RunRecord) -> None:
        try:
            store = open_store(self._url)
            try:
                store.refused(record)
            finally:
                store.close()
        except TrellisError as fault:
            self._tell(f"error: a refusal is not in the history: {fault.what}")
