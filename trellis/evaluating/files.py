"""Declared files of a service or role."""

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from signal import Signals

from trellis.blueprint import FileSpec
from trellis.errors import StackError
from trellis.evaluating.members import Member, declarations
from trellis.values import digest
from trellis_dsl.files import File

IN_MEMORY = ("/run/", "/dev/shm/")  # noqa: S108 - where hosts keep what is gone after a reboot
_SHARED = ("/bin", "/boot", "/dev", "/lib", "/lib64", "/proc", "/run/secrets", "/sbin", "/sys")
"""Folders, besides those one level down, whose other files an image needs."""


def file_specs(member: Member, root: Path) -> tuple[FileSpec, ...]:
    """The files that a class declares; sources are read for their digest.

    Raises:
        StackError: a source is missing, or lies outside the stack's folder; two files are in each other's way…
    """
    specs = tuple(_file(member, declared, root) for declared in declarations(member.cls, File))
    _refuse_overlaps(member, specs)
    return specs


def mounted_folders(specs: tuple[FileSpec, ...]) -> frozenset[str]:
    """The folders of a container that are mounted as a whole, so that the files in them change under its processes."""
    return frozenset(parent(spec) for spec in specs if spec.on_change == "signal" and spec.kind != "folder")


def parent(spec: FileSpec) -> str:
    """The folder that a file lies in."""
    return str(PurePosixPath(spec.path).parent)


def read_folder(source: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder by its relative path, sorted; empty folders do not count."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    return ((path.relative_to(source).as_posix(), path) for path in files)


def file_mode(path: Path) -> int:
    """The mode of a folder's file on hosts: whether it can be executed is the source's."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def _file(member: Member, declared: File, root: Path) -> FileSpec:
    _check_change(member, declared)
    source_digest = _source_digest(member, declared, root)
    if declared.template:
        from trellis.templates import check_template

        check_template(root, declared.source, frozenset({_own_name(member), "host"}))
    return FileSpec(
        declared.name,
        declared.path,
        declared.kind,
        declared.source,
        source_digest,
        _mode(member, declared),
        declared.owner,
        declared.group,
        declared.template,
        declared.keep_mode,
        declared.on_change,
        declared.signal.removeprefix("SIG"),
    )


def _own_name(member: Member) -> str:
    return "service" if member.is_service else "role"


def _mode(member: Member, declared: File) -> int:
    if declared.mode is not None:
        return declared.mode
    return (
        0o400 if declared.kind == "secret" and not member.is_service else 0o444 if declared.kind == "secret" else 0o644
    )


def _check_change(member: Member, declared: File) -> None:
    if f"SIG{declared.signal.removeprefix('SIG')}" not in Signals.__members__:
        raise StackError(f"there is no signal {declared.signal}", where=member.at(declared), hint="such as HUP or USR1")
    if member.is_service:
        return
    if declared.on_change == "signal":
        raise StackError(
            "a file of a role is no container's, so there is nobody to signal",
            where=member.at(declared),
            hint="declare it in the service whose container reads it",
        )
    if declared.kind == "secret" and not declared.path.startswith(IN_MEMORY):
        raise StackError(
            f"{declared.path} would be on the host's disk, and a secret file is only ever in memory",
            where=member.at(declared),
            hint="choose a path below /run, such as /run/shop/key",
        )


def _refuse_overlaps(member: Member, specs: tuple[FileSpec, ...]) -> None:
    """A folder that is mounted as a whole hides what the image has there, and nothing can be mounted inside it."""
    if not member.is_service:
        return
    for folder in sorted(mounted_folders(specs)):
        if folder.count("/") < 2 or folder.startswith(_SHARED):
            raise StackError(
                f"{folder} would be mounted as a whole, and hide what the image has there",
                where=str(member.place),
                hint="a file whose change is signalled needs a folder of its own, such as /etc/shop",
            )
    whole = {*mounted_folders(specs), *(spec.path for spec in specs if spec.kind == "folder")}
    for spec in specs:
        inside = [folder for folder in whole if spec.path.startswith(f"{folder}/") and parent(spec) != folder]
        own_folder = parent(spec) in {other.path for other in specs if other.kind == "folder"}
        if inside or own_folder:
            where = inside[0] if inside else parent(spec)
            raise StackError(
                f"{member.name}.{spec.name} lies below {where}, which is mounted as a whole",
                where=str(member.place),
                hint="declare it beside that folder",
            )


def _source_digest(member: Member, declared: File, root: Path) -> str:
    if not declared.source:
        _refuse_no_source(member, declared)
        return ""
    source = (root / declared.source).resolve()
    if not source.is_relative_to(root.resolve()):
        raise StackError(f"{declared.source} lies outside the stack's folder", where=member.at(declared))
    if declared.kind == "folder":
        return _folder_digest(member, declared, root / declared.source)
    if not _is_file(source):
        raise StackError(
            f"there is no file {declared.source}", where=member.at(declared), hint=f"put it at {root / declared.source}"
        )
    return hashlib.sha256(source.read_bytes()).hexdigest()


def _refuse_no_source(member: Member, declared: File) -> None:
    if declared.template or declared.kind in {"static", "initial", "folder"}:
        raise StackError(
            "the source is empty", where=member.at(declared), hint="name it relative to the stack's folder"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


def _folder_digest(member: Member, declared: File, source: Path) -> str:
    if not source.is_dir():
        raise StackError(f"there is no folder {declared.source}", where=member.at(declared), hint=f"put it at {source}")
    links = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_symlink())
    if links:
        raise StackError(
            f"{declared.source}/{links[0]} is a symbolic link, and a host would not have what it leads to",
            where=member.at(declared),
            hint="put the file itself there",
        )
    listed = {
        name: [hashlib.sha256(path.read_bytes()).hexdigest(), file_mode(path)] for name, path in read_folder(source)
    }
    if not listed:
        raise StackError(f"there is nothing in {declared.source}", where=member.at(declared))
    return digest(listed)
