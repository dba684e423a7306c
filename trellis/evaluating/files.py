"""Declared files of a service or role."""

import hashlib
from pathlib import Path

from trellis.blueprint import FileSpec
from trellis.errors import StackError
from trellis.evaluating.members import Member, declarations
from trellis_dsl.files import File


def file_specs(member: Member, root: Path) -> tuple[FileSpec, ...]:
    """The files that a class declares; sources are read for their digest.

    Raises:
        StackError: a source is missing, or lies outside the stack's folder.
    """
    return tuple(_file(member, declared, root) for declared in declarations(member.cls, File))


def _file(member: Member, declared: File, root: Path) -> FileSpec:
    digest = hashlib.sha256(_content(member, declared, root)).hexdigest() if declared.source else ""
    return FileSpec(
        declared.name,
        declared.path,
        declared.kind,
        declared.source,
        digest,
        declared.mode,
        declared.owner,
        declared.group,
    )


def _content(member: Member, declared: File, root: Path) -> bytes:
    source = (root / declared.source).resolve()
    if not source.is_relative_to(root.resolve()):
        raise StackError(f"{declared.source} lies outside the stack's folder", where=member.at(declared))
    if not source.is_file():
        raise StackError(
            f"there is no file {declared.source}", where=member.at(declared), hint=f"put it at {root / declared.source}"
        )
    return source.read_bytes()
