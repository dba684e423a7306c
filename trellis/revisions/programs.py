"""Which program an environment runs: the working tree, or what its branch holds, written to a folder of its own."""

import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trellis.environments.model import Environment
from trellis.environments.project import PROJECT_FILE, Project
from trellis.environments.reading import parse_mapping
from trellis.errors import PolicyError, UsageError
from trellis.revisions.names import ENVIRONMENTS
from trellis.revisions.repository import Repository, opened_if_any

_PREFIX = "trellis-program-"  # then the process, so that the folder of one that was killed can be told


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Program:
    """A program that can be loaded.

    Attributes:
        root: the folder that sources of files are relative to; removed when nothing holds the program any more,
            unless it is the project's own.
        stack_file: the stack program in it.
        branch: ``env/prod``; empty for the working tree.
        commit: what it is, or for the working tree what is checked out; empty without git.
        dirty: files of the working tree that differ from that commit.
    """

    root: Path
    stack_file: Path
    branch: str = ""
    commit: str = ""
    dirty: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Which program it is, for people; empty where there is no choice."""
        if self.branch:
            return f"{self.branch} at {self.commit[:10]}"
        if not self.commit:
            return ""
        state = f"with {len(self.dirty)} files that are not committed" if self.dirty else "as committed"
        return f"the working tree at {self.commit[:10]}, {state}".replace("1 files that are", "1 file that is")


def program_of(
    project: Project, environment: Environment, *, working_tree: bool = False, destroying: bool = False
) -> Program:
    """The program that an environment runs.

    Args:
        project: where it is declared.
        environment: whose.
        working_tree: the working tree is meant, and who asks was allowed to run it.
        destroying: nothing is to run, so an environment that never pulled anything is no reason to refuse.

    Raises:
        PolicyError: the environment pulls, and has pulled nothing yet.
        UsageError: it pulls, and there is no repository.
    """
    with opened_if_any(project.root) as repository:
        if repository is None:
            if environment.pulls_from and not destroying:
                raise _needs_git(environment)
            return Program(project.root, project.stack_file)
        ref = repository.ref(f"{ENVIRONMENTS}{environment.name}")
        if ref is not None and not working_tree:
            return written(repository, project, ref.commit, branch=f"env/{environment.name}")
        if environment.pulls_from and not (working_tree or destroying):
            raise PolicyError(
                f"{environment.name} runs what it pulled from {environment.pulls_from}, and has pulled nothing yet",
                where=f"environments/{environment.name}.yaml: pulls_from",
                hint=f"trellis pull VERSION -e {environment.name}",
            )
        return Program(
            project.root, project.stack_file, commit=repository.head() or "nothing", dirty=repository.dirty()
        )


def written(repository: Repository, project: Project, commit: str, *, branch: str = "") -> Program:
    """The program of a commit or tree, in a temporary folder."""
    _remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).resolve()
    try:
        repository.write_folder(commit, folder)
        root = folder / repository.prefix
        program = Program(root, _stack_file(project, root), branch, commit)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(program, shutil.rmtree, folder, ignore_errors=True)
    return program


def _remove_left_over() -> None:
    """Remove the folders of this account's runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
            with suppress(OSError):
                if folder.stat().st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)


def _stack_file(project: Project, root: Path) -> Path:
    """The stack program's path, which the program's own project file may say."""
    file = root / PROJECT_FILE
    said = parse_mapping(file.read_text(encoding="utf-8"), PROJECT_FILE).get("stack") if file.is_file() else None
    return root / (str(said) if said else project.stack_file.relative_to(project.root))


def _needs_git(environment: Environment) -> UsageError:
    return UsageError(
        f"{environment.name} pulls from {environment.pulls_from}, which needs a git repository",
        where=f"environments/{environment.name}.yaml: pulls_from",
        hint="git init -b main && git add . && git commit -m Start",
    )
