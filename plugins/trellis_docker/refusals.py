"""How an engine refuses, and how it is told that none answers."""

from trellis.errors import ApplyError, UnreachableError
from trellis_docker.faults import first_line


class EngineError(ApplyError):
    """The engine refused a call.

    Attributes:
        status: the HTTP status: 404 not there, 409 in conflict, 500 the engine's own trouble.
        message: what the engine said.
    """

    def __init__(self, status: int, message: str, where: str) -> None:
        super().__init__(f"Docker refused: {first_line(message)}", where=where)
        self.status = status
        self.message = message


def silent_engine(error: Exception, host: str) -> UnreachableError:
    """What is raised when an engine does not answer, from whatever its client said."""
    return UnreachableError(
        f"the Docker Engine does not answer: {first_line(str(error)) or type(error).__name__}",
        where=f"host {host}",
        hint="see that it runs: docker info",
    )
