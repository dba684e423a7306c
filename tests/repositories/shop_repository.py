"""A project in a real repository, and what is done with it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trellis.changes import making
from trellis.changes.making import Sheet
from trellis.environments.project import Project, find_project
from trellis.revisions.repository import Repository, opened

STACK = """from trellis import Role, Service, Stack, Storage
from trellis import connects_to, default, listens, mounts, one_per_role, runs, site

shop = Stack("shop")


@shop.service(image="shop/db:1", memory="64 MiB")
class Database(Service):
    sql = listens(3306)
    data = mounts("/data")


@shop.service(image="shop/website:1", relocatable=True)
class Website(Service):
    workers = default(4, "processes")
    database = connects_to(Database.sql)
    http = listens(8080)
    public = site("shop.localhost", http, tls=False)


@shop.role
class Back(Role):
    data = Storage("2 GiB")
    database = runs(Database, one_per_role, data=data)


@shop.role
class Web(Role):
    website = runs(Website, one_per_role)
"""
ENVIRONMENTS = {"dev": "", "test": "pulls_from: dev\n", "prod": "pulls_from: test\n"}


@dataclass
class Shop:
    """A project whose folder has a space in its name."""

    project: Project
    repository: Repository

    @property
    def root(self) -> Path:
        return self.project.root

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def change(self, name: str, **values: object) -> str:
        """A change-set that sets attributes; dots are written as two underscores."""
        making.start(self.repository, Sheet(name, f"Change {name}"))
        return self.set(name, **values)

    def set(self, name: str, **values: object) -> str:
        given = {key.replace("__", "."): value for key, value in values.items()}
        made = making.set_attributes(self.repository, self.project, name, given)
        assert made
        return made

    def edit(self, name: str, before: str, after: str, *, after_changes: tuple[str, ...] = ()) -> str:
        """A change-set that edits the program; the working tree is as it was afterwards."""
        making.start(self.repository, Sheet(name, f"Change {name}", after=after_changes))
        stack = self.root / "stack.py"
        text = stack.read_text()
        assert before in text
        stack.write_text(text.replace(before, after))
        try:
            made = making.commit_edits(self.repository, name, f"Edit {name}")
        finally:
            stack.write_text(text)
        assert made
        return made


def git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def write_project(root: Path) -> None:
    (root / "environments").mkdir(parents=True)
    (root / "stack.py").write_text(STACK)
    (root / "trellis.yaml").write_text("default_environment: dev\n")
    (root / ".gitignore").write_text(".trellis/\n__pycache__/\n")
    for name, text in ENVIRONMENTS.items():
        (root / "environments" / f"{name}.yaml").write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "An Operator")
    git(root, "config", "user.email", "operator@example.org")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Start")


@contextmanager
def opened_shop(root: Path) -> Iterator[Shop]:
    """A new project in a new repository."""
    write_project(root)
    with reopened_shop(root) as made:
        yield made


@contextmanager
def reopened_shop(root: Path) -> Iterator[Shop]:
    """A project that is there already."""
    project = find_project(root)
    with opened(project.root) as repository:
        yield Shop(project, repository)
