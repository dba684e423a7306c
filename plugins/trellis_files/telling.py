"""Tells a container that its file has changed."""

from urllib.parse import quote

from trellis.engine import EngineConnection
from trellis.errors import ApplyError, UnreachableError
from trellis.plugin.contracts import Applying
from trellis_files.model import Telling

_NOT_RUNNING = (404, 409)
"""How the engine answers about a container that is not there or does not run: it reads the file when it starts."""


async def tell(telling: Telling, applying: Applying) -> None:
    """Send the signal; a container that does not run needs none, and one that is not the scope's gets none.

    Raises:
        ApplyError: the engine refuses.
        UnreachableError: it does not answer.
    """
    connection = EngineConnection(applying.session)
    host = applying.session.host.name
    try:
        await _tell(telling, applying, connection)
    except OSError as error:
        raise UnreachableError(f"the Docker Engine does not answer: {error}", where=f"host {host}") from error
    finally:
        await connection.close()


async def _tell(telling: Telling, applying: Applying, connection: EngineConnection) -> None:
    path = f"/containers/{quote(telling.container, safe='')}"
    found = await connection.ask("GET", f"{path}/json")
    if found.status in _NOT_RUNNING:
        return
    labels = (found.json().get("Config") or {}).get("Labels") or {}
    scope = applying.scope
    if (labels.get("io.trellis.stack"), labels.get("io.trellis.env")) != (scope.stack, scope.environment):
        return
    answer = await connection.ask("POST", f"{path}/kill", {"signal": f"SIG{telling.signal}"})
    if answer.status in _NOT_RUNNING:
        return
    if answer.status >= 400:
        what = f"{telling.container} could not be sent {telling.signal}: {answer.message}"
        raise ApplyError(what, where=f"host {applying.session.host.name}", hint="trellis up tries again")
    applying.report(str(telling))
