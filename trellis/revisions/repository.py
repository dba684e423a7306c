"""The repository of a project: asked and written through GitPython; checkout, index and HEAD are never touched."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trellis.environments.loading import FOLDER
from trellis.environments.project import PROJECT_FILE
from trellis.errors import LockedError, TrellisError, UsageError
from trellis.revisions.graph import ALL_FIELDS, Graph, parse_log
from trellis.revisions.limits import refuse_too_large
from trellis.revisions.objects import Objects

if TYPE_CHECKING:
    from git import Repo

_OLDEST = (2, 38)  # git merge-tree --write-tree
NOTHING = "0" * 40
"""The object id that stands for no object."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref: its object, the commit that it leads to, and the folder where it is checked out, if it is."""

    name: str
    object: str
    commit: str
    checked_out: str = ""


@dataclass(frozen=True, slots=True)
class RefChange:
    """A ref to move: from `old` to `new`; `NOTHING` is a ref that is not there, and no `old` is any."""

    name: str
    new: str
    old: str


def belongs_to_git(folder: Path) -> bool:
    """Whether the folder lies in a git repository; looks for ``.git`` only, and starts nothing."""
    return any((place / ".git").exists() for place in (folder, *folder.parents))


@contextmanager
def opened(root: Path) -> Iterator["Repository"]:
    """The repository of a project's folder, closed afterwards.

    Raises:
        UsageError: the project is in none.
        TrellisError: git is missing, too old, or refuses the folder.
    """
    with _opened(root) as found:
        if found is None:
            hint = f"git init -b main {root} && git -C {root} add . && git -C {root} commit -m Start"
            raise UsageError("the project is in no git repository", where=str(root), hint=hint)
        yield found


@contextmanager
def opened_if_any(root: Path) -> Iterator["Repository | None"]:
    """As `opened`, or None when the project is in no repository."""
    if not belongs_to_git(root):
        yield None
        return
    with _opened(root) as found:
        yield found


@contextmanager
def _opened(root: Path) -> Iterator["Repository | None"]:
    git = _git()
    try:
        repo = git.Repo(root, search_parent_directories=True)
    except git.InvalidGitRepositoryError:
        yield None
        return
    except git.NoSuchPathError as fault:
        raise UsageError("there is no such folder", where=str(fault)) from None
    with repo:
        found = Repository(repo, root)
        with found.explained():
            tracked = found.tracks_project()
        yield found if tracked else None


def _git() -> Any:
    """GitPython, which looks for git when it is imported."""
    try:
        import git
    except ImportError as fault:
        raise TrellisError(
            "git is not installed, or not on the PATH", hint="install it: apt-get install git"
        ) from fault
    return git


class Repository(Objects):
    """An open repository: its refs, its history, and the working tree of the project.

    Args:
        repo: GitPython's.
        root: the project's folder, which may be a folder of the repository.
    """

    def check_version(self) -> None:
        """Raise `TrellisError` when git is too old to merge without a checkout."""
        if self._git.version_info[:2] < _OLDEST:
            found = ".".join(map(str, self._git.version_info))
            raise TrellisError(f"git {found} is too old: 2.38 or later merges without a checkout")

    def tracks_project(self) -> bool:
        """Whether the project is the repository, or a folder of it with its project file tracked."""
        return not self.prefix or bool(self._git.ls_files("--", f":(literal){self.prefix}{PROJECT_FILE}"))

    def refs(self, *patterns: str) -> dict[str, Ref]:
        """Refs under these patterns, by name; one process for all."""
        fields = "%(refname)%00%(objectname)%00%(*objectname)%00%(worktreepath)"
        with self.explained():
            lines = str(self._git.for_each_ref(f"--format={fields}", *patterns)).splitlines()
        found = (line.split("\0") for line in lines)
        return {name: Ref(name, own, peeled or own, place) for name, own, peeled, place in found}

    def ref(self, name: str) -> Ref | None:
        """One ref, or None."""
        return self.refs(name).get(name)

    def main(self) -> Ref:
        """The branch that changes are cut from.

        Raises:
            UsageError: there is none, or nothing was committed to it.
        """
        from trellis.revisions.names import MAIN

        found = self.refs(*MAIN)
        for name in MAIN:
            if name in found:
                return found[name]
        hint = "git add . && git commit -m Start && git branch -M main"
        raise UsageError("there is no branch main with a commit", where=str(self.root), hint=hint)

    def head(self) -> str:
        """The commit that is checked out; empty before the first one."""
        from git import BadName

        try:
            return str(self._repo.head.commit.hexsha)
        except (ValueError, BadName):
            return ""

    def graph(self, tips: Iterable[str]) -> Graph:
        """The commits that the tips contain; one process."""
        names = sorted(set(tips))
        if not names:
            return Graph({})
        with self._given("\n".join(names)) as asked, self.explained():
            text = self._git.log("--topo-order", f"--format={ALL_FIELDS}", "--stdin", istream=asked)
        return parse_log(str(text))

    def fetch(self, url: str, refspecs: Sequence[str]) -> None:
        """Fetch refs from another repository, and nothing else.

        Raises:
            TrellisError: it cannot be reached, or refuses.
        """
        quiet = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--quiet")
        with self.explained():
            self._git.fetch(*quiet, "--", url, *refspecs, env={"GIT_TERMINAL_PROMPT": "0"})

    def merge_tree(self, pairs: str) -> str:
        """What ``git merge-tree --stdin`` says of pairs of commits, one a line."""
        with self._given(pairs) as asked, self.explained():
            return str(self._git.merge_tree("--stdin", istream=asked, strip_newline_in_stdout=False))

    def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """The best common ancestors of two commits; none when they share no history."""
        return tuple(str(self._git.merge_base("--all", one, other, with_exceptions=False)).split())

    def commit_checked_out(self, folder: str, text: str) -> str | None:
        """Commit the program's edits on the branch that is checked out in a folder; None when there are none."""
        from git import Repo

        with Repo(folder) as there, self.explained():
            there.git.add("-A", "--", *self._program())
            if not there.git.diff("--cached", "--name-only", "--", *self._program()):
                return None
            there.git.commit("-m", text, "--", *self._program())
            return str(there.head.commit.hexsha)

    def forward_checked_out(self, folder: str, commit: str) -> None:
        """Move the branch that is checked out in a folder forwards, files included; edits there are kept.

        Raises:
            TrellisError: it is not forwards, or edits are in the way; nothing was moved.
        """
        from git import Repo

        with Repo(folder) as there, self.explained():
            there.git.merge("--ff-only", "--quiet", commit)

    def patch(self, before: str, after: str) -> str:
        """The difference of the files of two commits, as git shows it."""
        with self.explained():
            return str(self._git.diff("--no-color", "--no-ext-diff", before, after, "--", *self._program()))

    def text(self, commit: str) -> str:
        """A commit's message without its trailers and title: migration notes."""
        with self.explained():
            body = str(self._git.log("-1", "--format=%b%x1f%(trailers)", commit))
        notes, _, trailers = body.partition("\x1f")
        return notes.strip().removesuffix(trailers.strip()).strip()

    def update(self, changes: Sequence[RefChange], *, reason: str) -> None:
        """Move refs, all or none, each only from where it was expected.

        Raises:
            LockedError: one was moved by somebody else in between; nothing was changed.
        """
        from git import GitCommandError

        lines = [f"update {change.name} {change.new} {change.old}".rstrip() for change in changes]
        script = "\n".join(["start", *lines, "prepare", "commit", ""])
        with self._given(script) as asked:
            try:
                self._git.update_ref("--stdin", "--create-reflog", "-m", f"trellis: {reason}", istream=asked)
            except GitCommandError as fault:
                names = ", ".join(change.name.removeprefix("refs/heads/") for change in changes)
                raise LockedError(
                    f"somebody else moved {names} in between; nothing was changed",
                    where=str(fault.stderr).strip().splitlines()[-1][:200],
                    hint="look at what they did, and run it again",
                ) from fault

    def changed_tree(self, tree: str, files: Mapping[str, str | None]) -> str:
        """A tree with some of the project's files written, or removed where the text is None."""
        with self._index() as index, self.explained():
            self._git.read_tree(tree, env=index)
            for path, text in files.items():
                full = f"{self.prefix}{path}"
                if text is None:
                    self._git.update_index("--force-remove", "--", full, env=index)
                else:
                    self._git.update_index("--add", "--cacheinfo", f"100644,{self._store(text)},{full}", env=index)
            return str(self._git.write_tree(env=index))

    def snapshot(self) -> str:
        """The tree of the working tree's program as it is, untracked files included, environments left out."""
        refuse_too_large(self.root, [file.removeprefix(self.prefix) for file in self.dirty(every=True)])
        with self._index() as index, self.explained():
            if self.head():
                self._git.read_tree("HEAD", env=index)
            self._git.add("-A", "--", *self._program(), env=index)
            return str(self._git.write_tree(env=index))

    def dirty(self, *, every: bool = False) -> tuple[str, ...]:
        """The program's files that differ from what is checked out, environments left out.

        Folders of which nothing is tracked stand for their files, unless every file is asked for.
        """
        untracked = "--untracked-files=all" if every else "--untracked-files=normal"
        with self.explained():
            said = str(self._git.status("--porcelain", "-z", "--no-renames", untracked, "--", *self._program()))
        return tuple(sorted(entry[3:] for entry in said.split("\0") if entry))

    def write_folder(self, tree: str, folder: Path) -> None:
        """Write a tree's files into an empty folder, submodules included, as a checkout would.

        Raises:
            TrellisError: a submodule's commit is not here.
        """
        from trellis.revisions.folders import write_folder

        with self._index() as index, self.explained():
            write_folder(self._repo, tree, folder, index)

    def raw(self) -> "Repo":
        """GitPython's repository, for what only one module needs."""
        return self._repo

    def _program(self) -> tuple[str, str]:
        """Pathspecs of the program: the project's folder without the environments' data."""
        return f":(literal){self.prefix or '.'}", f":(exclude,literal){self.prefix}{FOLDER}"

    @contextmanager
    def _index(self) -> Iterator[dict[str, str]]:
        """An environment with an index file of its own."""
        with tempfile.TemporaryDirectory(prefix="trellis-index-") as folder:
            yield {"GIT_INDEX_FILE": str(Path(folder) / "index")}
