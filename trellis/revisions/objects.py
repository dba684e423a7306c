"""The objects of a repository: read and written through GitPython; nothing that a ref leads to is changed."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from trellis.errors import TrellisError

if TYPE_CHECKING:
    from git import Actor, Repo


class Objects:
    """Commits, trees, tags and texts of an open repository.

    Args:
        repo: GitPython's.
        root: the project's folder, which may be a folder of the repository.
    """

    def __init__(self, repo: "Repo", root: Path) -> None:
        self._repo = repo
        self._git = repo.git
        self._operator: Actor | None = None
        top = Path(repo.working_tree_dir or root).resolve()
        self.root = root
        self.prefix = "" if root.resolve() == top else root.resolve().relative_to(top).as_posix() + "/"

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what git says into an error with its sentence."""
        from git import GitCommandError

        try:
            yield
        except GitCommandError as fault:
            said = str(fault.stderr).strip().removeprefix("stderr: ").strip("'\n ") or f"status {fault.status}"
            hint = None
            if "dubious ownership" in said:
                hint = f"git config --global --add safe.directory {self._repo.working_tree_dir}"
            raise TrellisError(f"git: {said.splitlines()[0]}", where=str(self.root), hint=hint) from fault

    def tree(self, commit: str) -> str:
        """The tree of a commit, or the tree itself."""
        return str(self._repo.tree(commit).hexsha)

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents of a commit."""
        return tuple(str(parent.hexsha) for parent in self._repo.commit(commit).parents)

    def file(self, commit_or_tree: str, path: str) -> str | None:
        """The text of a file of the project in a commit, or None."""
        try:
            blob = self._repo.tree(commit_or_tree) / f"{self.prefix}{path}"
        except KeyError:
            return None
        return str(blob.data_stream.read().decode())

    def blob(self, object_id: str) -> str:
        """The text of a blob."""
        return bytes(self._repo.odb.stream(bytes.fromhex(object_id)).read()).decode()

    def commit(self, tree: str, parents: Sequence[str], text: str) -> str:
        """Write a commit; no ref leads to it yet."""
        from git import Commit

        made = Commit.create_from_tree(
            self._repo,
            self._repo.tree(tree),
            text,
            [self._repo.commit(parent) for parent in parents],
            author=self._who(),
            committer=self._who(),
        )
        return str(made.hexsha)

    def texts(self, commit: str) -> tuple[str, ...]:
        """The texts that a commit made by `commit_texts` holds, in their order."""
        blobs = sorted(self._repo.commit(commit).tree.blobs, key=lambda blob: blob.name)
        return tuple(blob.data_stream.read().decode(errors="replace") for blob in blobs)

    def commit_texts(self, texts: Sequence[str], parents: Sequence[str], text: str) -> str:
        """Write a commit that holds nothing but texts, ``000001.json`` and so on; no ref leads to it yet."""
        lines = (f"100644 blob {self._store(item)}\t{number:06}.json\n" for number, item in enumerate(texts, 1))
        with self._given("".join(lines)) as asked, self.explained():
            tree = str(self._git.mktree(istream=asked))
        return self.commit(tree, parents, text)

    def tag(self, name: str, commit: str, text: str) -> str:
        """Write an annotated tag's object; no ref leads to it yet."""
        from time import time

        from gitdb import IStream

        who = self._who()
        content = (
            f"object {commit}\ntype commit\ntag {name}\ntagger {who.name} <{who.email}> {int(time())} +0000\n\n{text}"
        )
        data = content.encode()
        return str(self._repo.odb.store(IStream(b"tag", len(data), BytesIO(data))).hexsha.decode())

    def _store(self, text: str) -> str:
        from gitdb import IStream

        data = text.encode()
        return str(self._repo.odb.store(IStream(b"blob", len(data), BytesIO(data))).hexsha.decode())

    def _who(self) -> "Actor":
        """Whom git names as the committer; the account on this machine where nobody told git."""
        from git import Actor, GitCommandError

        if self._operator is None:
            try:
                said = str(self._git.var("GIT_COMMITTER_IDENT"))
                self._operator = Actor._from_string(said.rpartition(" ")[0].rpartition(" ")[0])  # noqa: SLF001 - its parser
            except GitCommandError:
                self._operator = Actor.committer(self._repo.config_reader())
        return self._operator

    @contextmanager
    def _given(self, text: str) -> Iterator[IO[bytes]]:
        """A text as a file that a process reads on its standard input."""
        with tempfile.TemporaryFile() as file:
            file.write(text.encode())
            file.flush()
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            yield file
