"""An environment of a project as a document."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from urllib.parse import urlsplit

from trellis.environments.encrypted import kept_of, secrets_of
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import ConfigError
from trellis.portable.model import Document, ExportedProgram, FileKind, places
from trellis.revisions.applied import content_of
from trellis.revisions.blueprints import evaluated
from trellis.revisions.programs import Program, program_of, written
from trellis.revisions.repository import opened_if_any
from trellis.rollback.archive import LARGEST, MOST, files_of
from trellis.state.store import Store
from trellis.values import canonical

_PRIVATE_KEY = b"AGE-SECRET-KEY-1"


def collect(project: Project, name: str, store: Store, now: datetime) -> Document:
    """Everything about an environment that can travel; hold its lock.

    Raises:
        UnknownEnvironmentError: there is none of that name.
        ConfigError: its file is at fault, a secret stands in clear text, or a private key lies in what would travel.
        StackError: its program is at fault.
    """
    environment = load_environment(project, name)
    program = program_of(project, environment)
    blueprint = evaluated(program)
    return _without_keys(
        Document(
            written_by=version("opencluster-trellis"),
            written=now,
            environment=name,
            blueprint=json.loads(canonical(blueprint.as_json())),  # its enumerations become text
            blueprint_digest=blueprint.digest,
            program=_exported(project, program),
            files=_files(project, environment),
            placement=store.made(name),
            history=store.journal.read(name),
        )
    )


def left_behind(project: Project, document: Document) -> tuple[str, ...]:
    """What the document does not hold, or holds although one may not expect it: one sentence each."""
    said = ["the data in volumes: copy it from host to host, or restore your backup"]
    if "secrets" in document.files or "keys" in document.files:
        said.append("the age key that opens the secrets: bring its file (TRELLIS_KEY_FILE) over another way")
    said.append("images, and what is on hosts besides what Trellis made")
    if not document.program.files:
        said.append(f"the program: it has more than {MOST >> 20} MiB of files; bring it by git")
    else:
        said.append(f"of the program, hidden files and files over {LARGEST >> 20} MiB")
    if any(entry.program and entry.program.tree for entry in document.history):
        said.append("the programs of earlier runs, which are in git: clone the repository to roll back to them")
    if urlsplit(project.state_url).password:
        said.append("but the password in trellis.yaml's state is in it: keep the document as you keep that file")
    return tuple(said)


def _files(project: Project, environment: Environment) -> dict[FileKind, bytes]:
    """The environment's files, once it is sure that nothing in them is in clear text."""
    secrets_of(project, environment.name).blocks()
    kept_of(project, environment.name).blocks()
    found = places(project.root, environment.name)
    return {kind: path.read_bytes() for kind, path in found.items() if path.is_file()}


def _exported(project: Project, program: Program) -> ExportedProgram:
    with _tracked(project, program) as found:
        return ExportedProgram(files_of(found.root), program.branch, program.commit, bool(program.dirty))


@contextmanager
def _tracked(project: Project, program: Program) -> Iterator[Program]:
    """The program without what git ignores: build results and private notes are none of it."""
    content = "" if program.branch else content_of(project, program)
    with opened_if_any(project.root) as repository:
        yield written(repository, project, content) if repository and content else program


def _without_keys(document: Document) -> Document:
    """The document; refuses one that would carry an age private key in a file, of now or of an earlier run."""
    files = [*document.files.items(), *document.program.files.items()]
    files += [item for entry in document.history if entry.program for item in entry.program.files.items()]
    for path, content in files:
        if _PRIVATE_KEY in content.upper():
            hint = "move the key out of the project, and make a new one: who has the project has this one"
            raise ConfigError("a private age key stands in this file, and would travel", where=path, hint=hint)
    return document
