"""Makes a repository of a project's folder, where there is none and git is there to make it."""

from collections.abc import Sequence
from pathlib import Path
from shutil import which

from trellis.errors import TrellisError
from trellis.revisions.repository import belongs_to_git


def begin(folder: Path, files: Sequence[str], text: str) -> bool:
    """Make a repository whose branch main holds these files; False when there is one, or git is missing.

    Args:
        folder: the project's, absolute.
        files: paths in it.
        text: of the first commit.

    Raises:
        TrellisError: git refuses.
    """
    if belongs_to_git(folder) or which("git") is None:
        return False
    from git import GitCommandError, Repo

    try:
        with Repo.init(folder, initial_branch="main") as repo:
            repo.git.add("--", *files)
            repo.index.commit(text)
    except (GitCommandError, OSError) as fault:
        raise TrellisError(f"git: {fault}", where=str(folder)) from fault
    return True
