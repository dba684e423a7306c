"""What is kept of a project's folder, and that it becomes the same program again."""

import gc
from pathlib import Path

from trellis.environments.project import Project
from trellis.rollback import archive


def project(root: Path) -> Project:
    (root / "trellis.yaml").write_text("stack: stacks/stack.py\n")
    from trellis.environments.project import find_project

    return find_project(root)


def test_everything_that_a_program_may_read_is_kept_and_nothing_else(tmp_path: Path) -> None:
    kept = {"stacks/stack.py": b"one", "stacks/parts/web.py": b"two", "files/motd": b"\0three", "overrides.yaml": b"{}"}
    left = [".env", ".git/HEAD", "environments/dev.yaml", "stacks/__pycache__/x.pyc", "venv/lib/site.py", "big"]
    for name, content in (kept | dict.fromkeys(left, b"x")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "venv/pyvenv.cfg").touch()
    (tmp_path / "big").write_bytes(bytes(archive.LARGEST + 1))
    (tmp_path / "leads-out").symlink_to("/etc/hostname")
    found = archive.files_of(project(tmp_path).root)
    assert found == kept | {"trellis.yaml": b"stack: stacks/stack.py\n"}


def test_what_was_kept_becomes_a_program_in_a_folder_that_goes_with_it(tmp_path: Path) -> None:
    one = project(tmp_path)
    program = archive.written(one, {"stacks/stack.py": b"one", "files/motd": b"two"})
    assert program.stack_file == program.root / "stacks/stack.py"
    assert (program.root / "files/motd").read_bytes() == b"two"
    folder = program.root
    del program
    gc.collect()
    assert not folder.exists()


def test_too_much_is_not_kept(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"data-{number}").write_bytes(bytes(archive.LARGEST))
    assert archive.files_of(tmp_path) == {}
