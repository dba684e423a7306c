"""`trellis export` and `trellis import`: what is written, what is refused, and that a refusal writes nothing."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from trellis.environments.project import find_project
from trellis.environments.secrets import set_secret
from trellis.state.records import Applied, Made, RunRecord
from trellis.state.store import open_store
from trellis.values import digest
from trellis_dsl.secret import Secret

Run = Callable[..., tuple[int, str, str]]
KEY = "container:website-1@here"
PORTS = {"ports": [{"endpoint": "http", "host_port": 24946}]}


def journal(root: Path) -> object:
    """What the journal of a project says of dev."""
    store = open_store(find_project(root).state_url)
    try:
        return store.journal.read("dev"), store.made("dev")
    finally:
        store.close()


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def edited(file: Path, **changes: object) -> Path:
    """The document with other values, and a checksum that fits."""
    plain = json.loads(file.read_text()) | changes
    del plain["sha256"]
    other = file.with_name("edited.json")
    other.write_text(json.dumps(plain | {"sha256": digest(plain)}))
    return other


@pytest.fixture
def exported(project: Path, trellis: Run) -> Path:
    """An environment with a secret and a run, exported."""
    set_secret(find_project(project), "dev", "Website.password", Secret("hunter2-clear"))
    store = open_store(find_project(project).state_url)
    run = store.begin(RunRecord("dev", "shop", "trellis up", "ann@desk", counts={"create": 1}))
    store.step_started(run, KEY, "create", "here", "not there yet")
    store.step_finished(run, KEY, "done", made=Made(KEY, "Web", "Website", 1, PORTS))
    store.record_applied(run, Applied("{}", "c0ffee", {KEY: "abc"}))
    store.finish(run, "done", "Plan: 1 to create")
    store.close()
    file = project.parent / "dev.json"
    code, _, err = trellis("export", "-e", "dev", "--out", str(file))
    assert code == 0, err
    return file


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_new_folder_gets_the_project_as_it_was(project: Path, exported: Path, trellis: Run, form: str) -> None:
    text = trellis("export", "-e", "dev", "--format", form)[1]
    new = project.parent / "new"
    new.mkdir()
    code, out, err = trellis("-C", str(new), "import", "-", stdin=text)
    assert code == 0, err
    assert out.splitlines() == [
        "environments/dev.keys.yaml: written", "environments/dev.secrets.yaml: written",
        "environments/dev.yaml: written", "stack.py: written", "trellis.yaml: written", "history of dev: 1 run",
    ]  # fmt: skip
    for path in ("environments/dev.yaml", "environments/dev.secrets.yaml", "environments/dev.keys.yaml", "stack.py"):
        assert (new / path).read_bytes() == (project / path).read_bytes()
    (runs, made), (runs_here, _) = journal(new), journal(project)  # type: ignore[misc]
    assert runs == runs_here
    assert made == (Made(KEY, "Web", "Website", 1, PORTS, certain=False),)  # nobody has looked yet
    again = json.loads(trellis("-C", str(new), "export", "-e", "dev")[1])
    first = json.loads(exported.read_text())
    for part in ("blueprint", "blueprint_digest", "files", "history", "contents"):
        assert again[part] == first[part]


def test_no_secret_and_no_key_is_in_it_and_the_end_says_so(project: Path, exported: Path, trellis: Run) -> None:
    text = exported.read_text()
    assert "hunter2-clear" not in text
    assert "AGE-SECRET-KEY" not in text
    assert exported.stat().st_mode & 0o777 == 0o600
    err = trellis("export", "-e", "dev")[2]
    assert "not in the document:\n  the data in volumes" in err
    assert "the age key that opens the secrets" in err
    (project / "notes.txt").write_text((project.parent / "key.txt").read_text())
    code, out, err = trellis("export", "-e", "dev")
    assert (code, out) == (2, "")
    assert "a private age key stands in this file" in err
    assert "notes.txt" in err


def test_a_secret_in_clear_text_is_not_exported(project: Path, trellis: Run) -> None:
    (project / "environments" / "dev.secrets.yaml").write_text("Website.password: hunter2-clear\n")
    code, out, err = trellis("export", "-e", "dev")
    assert (code, out) == (2, "")
    assert "not encrypted" in err
    assert "hunter2-clear" not in err


def test_what_is_there_stays_unless_it_is_asked_for(project: Path, exported: Path, trellis: Run) -> None:
    environment = project / "environments" / "dev.yaml"
    before = environment.read_bytes()
    environment.write_text("hosts: {}  # other\n")
    mine = snapshot(project)
    code, out, err = trellis("import", str(exported))
    assert (code, out) == (2, "")
    assert "environments/dev.yaml is there already, and not as in the document; nothing was written" in err
    assert "--replace" in err
    assert trellis("import", str(exported), "--dry-run")[0] == 2
    assert snapshot(project) == mine
    code, out, _ = trellis("import", str(exported), "--replace", "--dry-run")
    assert (code, out.splitlines()[0]) == (0, "environments/dev.yaml: would be written")
    assert snapshot(project) == mine
    assert trellis("import", str(exported), "--replace")[0] == 0
    assert environment.read_bytes() == before
    assert trellis("import", str(exported))[:2] == (0, "history of dev: 1 run\n")  # nothing differs now


def test_secrets_that_the_document_does_not_have_go_only_when_asked(project: Path, trellis: Run) -> None:
    without = project.parent / "without.json"
    assert trellis("export", "-e", "dev", "--out", str(without))[0] == 0
    set_secret(find_project(project), "dev", "Website.password", Secret("hunter2-clear"))
    code, _, err = trellis("import", str(without))
    assert code == 2
    assert "environments/dev.secrets.yaml, environments/dev.keys.yaml are there already" in err
    code, out, _ = trellis("import", str(without), "--replace")
    assert (code, out.splitlines()) == (
        0,
        ["environments/dev.keys.yaml: removed", "environments/dev.secrets.yaml: removed", "history of dev: 0 runs"],
    )
    assert [path.name for path in (project / "environments").iterdir()] == ["dev.yaml"]


def test_an_import_that_was_killed_is_run_again(project: Path, exported: Path, trellis: Run) -> None:
    new = project.parent / "new"
    (new / "environments").mkdir(parents=True)
    for path in ("environments/dev.yaml", "trellis.yaml", "stack.py"):  # the journal comes last
        (new / path).write_bytes((project / path).read_bytes())
    code, out, err = trellis("-C", str(new), "import", str(exported))
    assert code == 0, err
    assert out.splitlines() == [
        "environments/dev.keys.yaml: written", "environments/dev.secrets.yaml: written", "history of dev: 1 run"
    ]  # fmt: skip
    assert journal(new)[0] == journal(project)[0]  # type: ignore[index]


def test_another_history_is_not_lost(project: Path, exported: Path, trellis: Run) -> None:
    store = open_store(find_project(project).state_url)
    store.finish(store.begin(RunRecord("dev", "shop", "trellis up", "bob@desk")), "done")
    store.close()
    code, _, err = trellis("import", str(exported))
    assert code == 2
    assert "the history of dev is there already" in err
    assert len(journal(project)[0]) == 2  # type: ignore[index]


def test_another_name_gets_numbers_of_its_own(project: Path, exported: Path, trellis: Run) -> None:
    code, out, err = trellis("import", str(exported), "-e", "spare", "--json")
    assert code == 0
    assert json.loads(out)["written"] == [
        "environments/spare.keys.yaml", "environments/spare.secrets.yaml", "environments/spare.yaml"
    ]  # fmt: skip
    assert (project / "environments" / "spare.yaml").read_bytes() == (project / "environments/dev.yaml").read_bytes()
    shown = json.loads(trellis("history", "--json")[1])["runs"]
    assert [(run["run"], run["environment"]) for run in shown] == [(2, "spare"), (1, "dev")]
    assert "next: look at the hosts' addresses" in err


def test_a_fault_in_the_middle_leaves_the_folder_as_it_was(project: Path, exported: Path, trellis: Run) -> None:
    new = project.parent / "new"
    (new / "environments").mkdir(parents=True)
    (new / "environments" / "dev.secrets.yaml").mkdir()  # cannot be written as a file
    code, _, err = trellis("-C", str(new), "import", str(exported), "--replace")
    assert code == 2
    assert "dev.secrets.yaml" in err
    assert snapshot(new) == {}
    (new / "environments" / "dev.secrets.yaml").rmdir()
    (new / ".trellis").write_text("")  # where the journal's folder is to be
    code, _, err = trellis("-C", str(new), "import", str(exported))
    assert code == 1
    assert ".trellis" in err
    assert snapshot(new) == {".trellis": b""}
    (new / ".trellis").unlink()
    assert trellis("-C", str(new), "import", str(exported))[0] == 0


def test_other_versions_are_refused(exported: Path, project: Path, trellis: Run) -> None:
    mine = snapshot(project)
    for version, said in ((2, "written by a newer Trellis, 0.1.0"), (0, "there is no schema version 0")):
        code, _, err = trellis("import", str(edited(exported, schema_version=version)))
        assert code == 2
        assert said in err
    assert "no document of trellis export" in trellis("import", str(edited(exported, kind="x")))[2]
    assert snapshot(project) == mine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no document of trellis export"), ("[1]", "must be a mapping"), ("{", "not a whole JSON document"),
        ("a: b: c", "not YAML"), ('{"schema_version": 1, "kind": "trellis environment"}', "damaged or was edited"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(project: Path, trellis: Run, text: str, said: str) -> None:
    mine = snapshot(project)
    code, _, err = trellis("import", "-", stdin=text)
    assert code == 2
    assert said in err
    assert snapshot(project) == mine


def test_half_a_document_and_an_edited_one_are_refused(exported: Path, trellis: Run) -> None:
    text = exported.read_text()
    assert "not a whole JSON document" in trellis("import", "-", stdin=text[: len(text) // 2])[2]
    assert "its checksum is another" in trellis("import", "-", stdin=text.replace("ann@desk", "bob@desk"))[2]


@pytest.mark.parametrize(
    "path", ["../stack.py", "/etc/passwd", ".git/hooks/post-merge", "a/../../b", "environments/prod.yaml", "a//b", ""]
)
def test_no_document_writes_outside_of_the_program(exported: Path, project: Path, trellis: Run, path: str) -> None:
    plain = json.loads(exported.read_text())
    plain["contents"][sha256(b"x").hexdigest()] = {"text": "x"}
    program = plain["program"] | {"files": {path: sha256(b"x").hexdigest()}}
    new = project.parent / "new"
    new.mkdir()
    code, _, err = trellis("-C", str(new), "import", str(edited(exported, program=program, contents=plain["contents"])))
    assert code == 2
    assert "is not a path of a program's file" in err
    assert snapshot(new) == {}


def test_a_link_out_of_the_folder_is_not_followed(exported: Path, project: Path, trellis: Run) -> None:
    new = project.parent / "new"
    new.mkdir()
    (project.parent / "outside").mkdir()
    (new / "environments").symlink_to(project.parent / "outside")
    code, _, err = trellis("-C", str(new), "import", str(exported), "--replace")
    assert code == 2
    assert "a link leads out of the project" in err
    assert list((project.parent / "outside").iterdir()) == []


def test_a_project_keeps_its_program_and_hears_that_it_is_another(exported: Path, project: Path, trellis: Run) -> None:
    stack = project / "stack.py"
    stack.write_text(stack.read_text().replace("website:1", "website:2"))
    code, _, err = trellis("import", str(exported))
    assert code == 0
    assert "the program here declares another blueprint than the exported one" in err
    assert "website:2" in stack.read_text()


def test_an_environment_that_is_not_there(project: Path, trellis: Run) -> None:
    assert trellis("export", "-e", "prod")[0] == 6
    assert not (project / ".trellis").exists()
