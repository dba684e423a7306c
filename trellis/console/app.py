"""The ASGI application of the console: every request is decided, every refusal recorded, every answer streamed."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trellis.console.authority import KeepsAll, admission
from trellis.console.bundling import publications_of, write_bundle
from trellis.console.deciding import AS_JSON, Asked, Decision, decide
from trellis.console.operations import run
from trellis.console.recording import Journal
from trellis.environments.loading import load_environment
from trellis.environments.project import Project
from trellis.errors import TrellisError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CERTIFICATE = "certificate"
"""Under which the server hands on, in a scope's ``state``, what the client presented."""

PATIENCE = "patience"
"""Under which the server hands on how an operation's connection is given all the time that it takes."""

_CHUNK = 64 * 1024
_AT_ONCE = 4
_OPERATIONS = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: a text, a file, or what an operation says."""

    status: int
    text: str = ""
    file: Path | None = None
    operation: str = ""
    client: str = ""


class Console:
    """Serves the publications of one environment, and runs on it what clients are approved for.

    Args:
        project: where they are.
        environment: who publishes.
        keeps: who may read; asked anew at each request, so that what is revoked is refused at once.
        journal: where refusals are recorded.
    """

    def __init__(self, project: Project, environment: str, keeps: KeepsAll, journal: Journal) -> None:
        self._project, self._environment = project, environment
        self._keeps, self._journal = keeps, journal
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._operating = asyncio.Semaphore(_OPERATIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - no body is read
        """Answer a request."""
        if scope["type"] != "http":
            return
        with tempfile.TemporaryDirectory(prefix="trellis-console-") as folder:
            async with self._room:
                answer = await asyncio.to_thread(self._answer, scope, Path(folder) / "publications.bundle")
            if answer.operation:
                await self._operate(answer, scope, send)
            else:
                await _send(answer, send, head=scope["method"] == "HEAD")

    async def _operate(self, answer: Answer, scope: Scope, send: Send) -> None:
        """Run an operation, and send what it says; who stops listening does not end it."""
        what = f"{answer.operation} on {self._environment} for {answer.client}"
        if self._operating.locked():
            self._journal.told(f"too busy for {what}")
            await _send(Answer(503, f"{_OPERATIONS} operations are under way; ask again later"), send, head=False)
            return
        async with self._operating:
            scope["state"].get(PATIENCE, lambda: None)()
            self._journal.told(f"runs {what}")
            headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"connection", b"close")]})
            as_json = scope["query_string"] == AS_JSON
            said = run(self._project, self._environment, answer.operation, answer.client, as_json=as_json)
            async for line in said:
                await send({"type": "http.response.body", "body": line, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            self._journal.told(f"ran {what}")

    def _answer(self, scope: Scope, file: Path) -> Answer:
        asked = _asked(scope)
        try:
            approved = load_environment(self._project, self._environment).operations
            decision = decide(asked, admission(self._keeps), self._environment, datetime.now(UTC), approved)
        except TrellisError as fault:  # nobody is let in when it is not known who may be
            decision = Decision(403, "somebody", f"it is not known who may read: {fault.what.splitlines()[0]}")
        client = (scope.get("client") or ("?",))[0]
        if decision.status != 200:
            self._journal.refused(asked.method, asked.path, client, decision)
            return Answer(decision.status, decision.why)
        if decision.operation:
            return Answer(200, operation=decision.operation, client=f"{decision.who} at {client}")
        try:
            return self._packed(asked, decision, client, file)
        except TrellisError as fault:
            self._journal.told(f"error: {fault.what}")
            return Answer(500, "the publications cannot be read; the console's own output says why")

    def _packed(self, asked: Asked, decision: Decision, client: str, file: Path) -> Answer:
        refs = publications_of(self._project, self._environment)
        if not refs:
            return Answer(404, f"{self._environment} has published nothing yet")
        write_bundle(self._project, refs, file)
        if asked.method == "GET":
            self._journal.told(f"gave {self._environment}'s publications to {decision.who} at {client}")
        return Answer(200, file=file)


def _asked(scope: Scope) -> Asked:
    headers = dict(scope["headers"])
    body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
    path = scope["raw_path"].decode("latin-1")
    return Asked(scope["method"], path, scope["state"].get(CERTIFICATE, b""), body, scope["query_string"])


async def _send(answer: Answer, send: Send, *, head: bool) -> None:
    text = (answer.text + "\n").encode()
    size = answer.file.stat().st_size if answer.file else len(text)
    kind = b"application/x-git-bundle" if answer.file else b"text/plain; charset=utf-8"
    headers = [
        (b"content-type", kind),
        (b"content-length", str(size).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if head:
        await send({"type": "http.response.body", "body": b""})
    elif answer.file is None:
        await send({"type": "http.response.body", "body": text})
    else:
        await _stream(answer.file, send)


async def _stream(path: Path, send: Send) -> None:
    """A chunk at a time, each after the client took the one before."""
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
