"""Files on a role's hosts, or in a service's containers."""

from collections.abc import Callable
from typing import Any, Literal

from trellis_dsl.declaration import Declaration
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller
from trellis_dsl.secret import Secret

Render = Callable[[Any], "str | Secret"]


class File(Declaration):
    """A declared file; `static_file`, `initial_file` and `dynamic_file` make one."""

    def __init__(
        self,
        path: str,
        kind: Literal["static", "initial", "dynamic"],
        *,
        source: str = "",
        render: Render | None = None,
        mode: int = 0o644,
        owner: str = "",
        group: str = "",
    ) -> None:
        super().__init__()
        if not path.startswith("/"):
            raise StackError(f"file path {path!r} is not absolute", where=caller())
        self.path = path
        self.kind = kind
        self.source = source
        self.render = render
        self.mode = mode
        self.owner = owner
        self.group = group


def static_file(path: str, source: str, *, mode: int = 0o644, owner: str = "", group: str = "") -> File:
    """Declare a file that is kept equal to a file beside the stack.

    Args:
        path: absolute, on the host or, in a service, in its container.
        source: relative to the stack's folder.
        mode: permission bits.
        owner: user name or number; root without it.
        group: likewise.
    """
    return File(path, "static", source=source, mode=mode, owner=owner, group=group)


def initial_file(path: str, source: str, *, mode: int = 0o644, owner: str = "", group: str = "") -> File:
    """Declare a file that is written once and then belongs to the host's operators."""
    return File(path, "initial", source=source, mode=mode, owner=owner, group=group)


def dynamic_file(path: str, *, mode: int = 0o644, owner: str = "", group: str = "") -> Callable[[Render], File]:
    """Declare a file whose content a method returns; it runs after placement.

    A content that holds a secret is treated as one: return it as a `Secret`, or as text with the revealed value.
    """

    def declare(render: Render) -> File:
        return File(path, "dynamic", render=render, mode=mode, owner=owner, group=group)

    return declare
