"""Files on a role's hosts, or in a service's containers."""

from collections.abc import Callable
from typing import Any, Literal

from trellis_dsl.arguments import typed
from trellis_dsl.declaration import Declaration
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller
from trellis_dsl.secret import Secret

Render = Callable[[Any], "str | Secret"]
FileKind = Literal["static", "initial", "dynamic", "secret", "folder"]
OnChange = Literal["restart", "signal", "nothing"]
"""What happens to a container when one of its files changes."""


class File(Declaration):
    """A declared file or folder; `static_file`, `dynamic_file` and the like make one."""

    def __init__(  # noqa: PLR0913 - what a file may be told, by name
        self,
        path: str,
        kind: FileKind,
        *,
        source: str = "",
        render: Render | None = None,
        template: bool = False,
        mode: int | None = None,
        owner: str = "",
        group: str = "",
        keep_mode: bool = False,
        on_change: OnChange = "restart",
        signal: str = "HUP",
    ) -> None:
        super().__init__()
        if not path.startswith("/"):
            raise StackError(f"file path {path!r} is not absolute", where=caller())
        self.path = path
        self.kind = kind
        self.source = source
        self.render = render
        self.template = template
        self.mode = mode
        self.owner = owner
        self.group = group
        self.keep_mode = keep_mode
        self.on_change = on_change
        self.signal = signal


@typed()
def static_file(
    path: str,
    source: str,
    *,
    mode: int = 0o644,
    owner: str = "",
    group: str = "",
    on_change: OnChange = "restart",
    signal: str = "HUP",
) -> File:
    """Declare a file that is kept equal to a file beside the stack.

    Args:
        path: absolute, on the host or, in a service, in its container.
        source: relative to the stack's folder.
        mode: permission bits.
        owner: user name or number; root without it.
        group: likewise.
        on_change: in a service: ``"restart"`` replaces the container as an update does; ``"signal"`` sends it a
            signal, and mounts the file's folder as a whole, so that the file changes under a running process;
            ``"nothing"`` waits for the container's next start.
        signal: which, for ``"signal"``.
    """
    return File(path, "static", source=source, mode=mode, owner=owner, group=group, on_change=on_change, signal=signal)


@typed()
def initial_file(
    path: str, source: str, *, mode: int = 0o644, owner: str = "", group: str = "", keep_mode: bool = False
) -> File:
    """Declare a file that is written once and then belongs to the host's operators.

    Args:
        path: absolute, on the host or, in a service, in its container.
        source: relative to the stack's folder.
        mode: permission bits.
        owner: user name or number; root without it.
        group: likewise.
        keep_mode: mode, owner and group stay the stack's; only the content is the operators'.
    """
    return File(
        path,
        "initial",
        source=source,
        mode=mode,
        owner=owner,
        group=group,
        keep_mode=keep_mode,
        on_change="nothing",
    )


@typed()
def dynamic_file(
    path: str,
    *,
    mode: int = 0o644,
    owner: str = "",
    group: str = "",
    on_change: OnChange = "restart",
    signal: str = "HUP",
) -> Callable[[Render], File]:
    """Declare a file whose content a method returns; it runs after placement.

    In a service, a content that holds a secret makes it a secret file: see `secret_file`.

    Args:
        path: as in `static_file`, and so are the others.
        mode: permission bits.
        owner: user name or number; root without it.
        group: likewise.
        on_change: what happens to the service's container when it changes.
        signal: which, for ``"signal"``.
    """

    def declare(render: Render) -> File:
        return File(
            path, "dynamic", render=render, mode=mode, owner=owner, group=group, on_change=on_change, signal=signal
        )

    return declare


@typed()
def template_file(
    path: str,
    source: str,
    *,
    mode: int = 0o644,
    owner: str = "",
    group: str = "",
    on_change: OnChange = "restart",
    signal: str = "HUP",
) -> File:
    """Declare a file that is rendered from a Jinja template beside the stack, after placement.

    The template knows ``service`` or ``role``, whose attributes have the values that a method sees, and ``host``:
    ``workers = {{ service.workers }}``, ``{{ service.database.host }}``, ``{{ host.name }}``. What is not defined is
    an error. A secret is written with ``.reveal()``.

    Args:
        path: as in `static_file`, and so are the others.
        source: the template, relative to the stack's folder.
        mode: permission bits.
        owner: user name or number; root without it.
        group: likewise.
        on_change: what happens to the service's container when it changes.
        signal: which, for ``"signal"``.
    """
    return File(
        path,
        "dynamic",
        source=source,
        template=True,
        mode=mode,
        owner=owner,
        group=group,
        on_change=on_change,
        signal=signal,
    )


@typed()
def secret_file(
    path: str,
    *,
    mode: int | None = None,
    owner: str = "",
    group: str = "",
    on_change: OnChange = "restart",
    signal: str = "HUP",
) -> Callable[[Render], File]:
    """Declare a file whose content a method returns and that is only ever in memory.

    After a reboot it is gone, until `trellis up` puts it back; a container that needs it does not start without it.

    Args:
        path: in a service, in its container; in a role, below ``/run`` or ``/dev/shm`` on the host.
        mode: permission bits; by default readable for everybody in the container, for its owner alone on a host.
        owner: user name or number; root without it.
        group: likewise.
        on_change: what happens to the service's container when it changes.
        signal: which, for ``"signal"``.
    """

    def declare(render: Render) -> File:
        return File(
            path, "secret", render=render, mode=mode, owner=owner, group=group, on_change=on_change, signal=signal
        )

    return declare


@typed()
def static_folder(
    path: str,
    source: str,
    *,
    owner: str = "",
    group: str = "",
    on_change: OnChange = "restart",
    signal: str = "HUP",
) -> File:
    """Declare a folder that is kept equal to a folder beside the stack: what is not in that one is removed.

    Files keep their own permission to be executed; other bits are those of 0644.

    Args:
        path: as in `static_file`, and so are the others.
        source: a folder, relative to the stack's folder, without symbolic links.
        owner: user name or number; root without it.
        group: likewise.
        on_change: what happens to the service's container when it changes.
        signal: which, for ``"signal"``.
    """
    return File(path, "folder", source=source, owner=owner, group=group, on_change=on_change, signal=signal)
