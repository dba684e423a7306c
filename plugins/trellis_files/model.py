"""A file as the stack declares it and as it was found, read from resources and checked."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from trellis.errors import UsageError
from trellis.resources import Actual, Resource
from trellis.values import FINGERPRINT, Value, fingerprinted
from trellis_dsl.secret import Secret

PLAIN = "sha256:"
"""How a mark of content that is no secret starts; a secret's starts with `FINGERPRINT`."""

TEXT_LIMIT = 32 * 1024
"""Bytes up to which a text is shown in a diff."""

KINDS = ("static", "initial", "dynamic")
_HIGHEST_MODE = 0o7777
# An owner reaches chown as one word with a colon in it; names as useradd(8) allows them, or a number.
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")
# Scripts print one path a line, and sha256sum writes a backslash in another way.
_NOT_IN_A_PATH = re.compile(r"[\x00-\x1f\x7f\\]|\s$")


@dataclass(frozen=True, slots=True)
class DesiredFile:
    """A file as it should be.

    Attributes:
        path: absolute and normal.
        kind: ``static``, ``initial`` or ``dynamic``.
        content: the bytes themselves.
        secret: the content is a secret: it is compared by fingerprint and never shown.
        mode: permission bits.
        owner: user name or number; empty leaves it to root, or to an account without root's rights.
        group: likewise.
        in_memory: it is only ever in memory.
        at_boot: the host keeps it encrypted as well, and puts it back by itself when it boots.
        keep_mode: of an initial file, mode and owner are kept.
        tell: who is told when it changes.
    """

    path: str
    kind: str
    content: bytes
    secret: bool
    mode: int
    owner: str
    group: str
    in_memory: bool = False
    at_boot: bool = False
    keep_mode: bool = False
    tell: "Telling | None" = None

    @classmethod
    def of(cls, resource: Resource) -> "DesiredFile":
        """The file that a resource describes.

        A `Secret` as content is the text itself; other content is base64.

        Raises:
            UsageError: a field of the spec cannot be used.
        """
        spec, where = resource.spec, str(resource.key)
        raw = spec["content"]
        content = raw.reveal().encode() if isinstance(raw, Secret) else base64.b64decode(str(raw), validate=True)
        mode = spec.get("mode", 0o644)
        if not isinstance(mode, int) or not 0 <= mode <= _HIGHEST_MODE:
            raise UsageError(f"{mode!r} is not a file mode", where=where, hint="write it as 0o644")
        kind = str(spec["kind"])
        if kind not in KINDS:
            raise UsageError(f"{kind!r} is not a kind of file", where=where, hint=f"one of {', '.join(KINDS)}")
        path = checked_path(str(spec["path"]), where)
        owner, group = (checked_account(str(spec.get(name) or ""), where) for name in ("owner", "group"))
        return cls(
            path,
            kind,
            content,
            isinstance(raw, Secret),
            mode,
            owner,
            group,
            in_memory=bool(spec.get("in_memory")),
            at_boot=bool(spec.get("at_boot")),
            keep_mode=bool(spec.get("keep_mode")),
            tell=Telling.of(spec.get("tell")),
        )

    @property
    def text(self) -> str | None:
        """The content when it can be shown as text."""
        return None if self.secret else as_text(self.content)

    def mark(self, salt: bytes) -> str:
        """What is kept of the content instead of the content."""
        return mark_of(hashlib.sha256(self.content).hexdigest(), salt if self.secret else None)


@dataclass(frozen=True, slots=True)
class Telling:
    """A container that is sent a signal when its file has changed."""

    container: str
    signal: str

    @classmethod
    def of(cls, value: Value) -> "Telling | None":
        """What a spec's `tell` says; None where nobody is told."""
        if not isinstance(value, Mapping):
            return None
        return cls(str(value["container"]), str(value["signal"]))

    def __str__(self) -> str:
        """``shop-dev-website-1 is sent HUP``."""
        return f"{self.container} is sent {self.signal}"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """What was found at a path.

    Attributes:
        type: ``file``, ``folder``, ``link``, ``other`` or ``nothing``.
        content: its mark, when it is a file.
        text: its content, when it is a short text that everyone may read.
        mode: permission bits.
        user: its owner, name and number.
        group: likewise.
        size: bytes.
        managed: Trellis wrote it.
        unfinished: the run that wrote it was killed before it was done.
        backup: where the content from before Trellis is kept, or would be.
        backed_up: there was such a content.
        for_boot: the host has what it needs to put it back when it boots.
        account: who Trellis acts as there: user and group.
        last: the spec that was last applied, the content as its mark; empty when Trellis never wrote it.
    """

    type: str
    content: str
    text: str | None
    mode: int
    user: tuple[str, str]
    group: tuple[str, str]
    size: int
    managed: bool
    unfinished: bool
    backup: str
    backed_up: bool
    for_boot: bool
    account: tuple[str, str]
    last: Mapping[str, Value]

    @classmethod
    def of(cls, actual: Actual) -> "FoundFile":
        """The file that `trellis_files.facts` described."""
        state = actual.state
        text, mode, size = state.get("text"), state.get("mode", 0), state.get("size", 0)
        return cls(
            type=str(state["type"]),
            content=str(state.get("content", "")),
            text=text if isinstance(text, str) else None,
            mode=mode if isinstance(mode, int) else 0,
            user=_pair(state.get("user")),
            group=_pair(state.get("group")),
            size=size if isinstance(size, int) else 0,
            managed=bool(actual.spec),
            unfinished=bool(state.get("unfinished")),
            backup=str(state.get("backup", "")),
            backed_up=bool(state.get("backed_up")),
            for_boot=bool(state.get("for_boot")),
            account=_pair(state.get("account")),
            last=actual.spec,
        )


def mark_of(sha256: str, salt: bytes | None) -> str:
    """The mark of content with this SHA-256: a keyed fingerprint with a salt, the hash itself without."""
    if salt is None:
        return PLAIN + sha256
    return str(fingerprinted(Secret(sha256), salt))


def like(mark: str, sha256: str, salt: bytes) -> str:
    """The mark of that content, made in the same way as another mark, so that the two can be compared."""
    return mark_of(sha256, salt if mark.startswith(FINGERPRINT) else None)


def as_text(content: bytes) -> str | None:
    """The text that these bytes are, when they are a short one in UTF-8."""
    if len(content) > TEXT_LIMIT or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def checked_path(path: str, where: str) -> str:
    """The path itself.

    Raises:
        UsageError: it is not absolute and normal, or holds control characters or backslashes.
    """
    if not path.startswith("/") or path == "/" or str(PurePosixPath(path)) != path or ".." in path.split("/"):
        raise UsageError(f"{path!r} is not the path of a file", where=where, hint="write it as /etc/motd")
    if _NOT_IN_A_PATH.search(path):
        raise UsageError(
            f"{path!r} has a control character, a backslash or a space at its end", where=where, hint="rename it"
        )
    return path


def checked_account(name: str, where: str) -> str:
    """The name itself. Raises `UsageError` when it is no user's or group's."""
    if name and not _ACCOUNT.fullmatch(name):
        raise UsageError(f"{name!r} is not a user or a group", where=where, hint="write a name or a number")
    return name


def _pair(value: Value) -> tuple[str, str]:
    if isinstance(value, tuple) and len(value) == 2:
        return str(value[0]), str(value[1])
    return "", ""
