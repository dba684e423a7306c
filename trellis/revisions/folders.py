"""Writes a commit's files into a folder, as a checkout would, with the submodules that it names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.errors import TrellisError

if TYPE_CHECKING:
    from git import Repo


def write_folder(repo: "Repo", tree: str, folder: Path, index: Mapping[str, str]) -> None:
    """Write the files of a tree.

    Args:
        repo: an open repository.
        tree: a tree's or a commit's id.
        folder: where to; it exists and is empty.
        index: the environment that names an index file of its own.

    Raises:
        TrellisError: a submodule's commit is not on this machine.
    """
    places = {**index, "GIT_WORK_TREE": str(folder), "GIT_DIR": str(repo.git_dir)}
    with repo.git.custom_environment(**places):
        repo.git.read_tree(tree)
        repo.git.checkout_index("--all", "--force", f"--prefix={folder}/")
        listed = str(repo.git.ls_files("--stage", "-z"))
    for path, commit in _submodules(listed):
        _write_submodule(repo, path, commit, folder)


def _submodules(listed: str) -> Iterator[tuple[str, str]]:
    """Path and commit of each submodule of an index, as ``git ls-files --stage -z`` lists it."""
    for entry in listed.split("\0"):
        info, _, path = entry.partition("\t")
        if info.startswith("160000 "):
            yield path, info.split(" ")[1]


def _write_submodule(repo: "Repo", path: str, commit: str, folder: Path) -> None:
    import tempfile

    from git import Repo

    place = _git_folder(repo, path)
    if place is None or not _has(place, commit):
        raise TrellisError(
            f"the submodule {path} is not on this machine at {commit[:12]}",
            where=str(repo.working_tree_dir),
            hint=f"git -C {repo.working_tree_dir} submodule update --init -- {path}",
        )
    target = folder / path
    target.mkdir(parents=True, exist_ok=True)
    with Repo(place) as inner, tempfile.TemporaryDirectory(prefix="trellis-index-") as own:
        write_folder(inner, commit, target, {"GIT_INDEX_FILE": str(Path(own) / "index")})


def _git_folder(repo: "Repo", path: str) -> Path | None:
    """Where a submodule's objects are: in its checkout, or below the repository's own folder."""
    places = (Path(str(repo.working_tree_dir or "")) / path, Path(repo.common_dir) / "modules" / path)
    return next((place for place in places if (place / ".git").exists() or (place / "HEAD").exists()), None)


def _has(place: Path, commit: str) -> bool:
    from git import Repo
    from gitdb.exc import BadName

    with Repo(place) as inner:
        try:
            inner.commit(commit)
        except (ValueError, BadName):
            return False
        return True
