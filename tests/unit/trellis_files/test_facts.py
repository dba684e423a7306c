"""What the observing script prints becomes resources."""

import base64
import io
import tarfile

import pytest

from trellis.errors import TrellisError
from trellis.plugin.contracts import Scope
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_dsl.secret import Secret
from trellis_files.facts import parse, unexpected
from trellis_files.store import entry_of

SCOPE = Scope("shop", "dev", salt=b"salt")
HASH = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"  # of "hello\n"
SELF = "stat\t416d\t0\t0\t0\troot\troot\t1700000000\t/proc/self/."


def entry(path: str, content: object = "aGVsbG8K", *, unfinished: bool = False) -> str:
    spec = {"path": path, "kind": "static", "content": content, "mode": 0o644, "owner": "", "group": ""}
    resource = Resource(ResourceKey("file", path, "ny1"), freeze_mapping(spec), Owner("Web"))
    return "entry\t" + entry_of(resource, SCOPE.salt, unfinished=unfinished).to_json()


def texts(contents: dict[str, bytes]) -> str:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as opened:
        for path, content in contents.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return "texts\t" + base64.b64encode(archive.getvalue()).decode()


def test_a_managed_file_has_what_was_applied_and_what_is_there():
    stdout = "\n".join(
        [
            SELF,
            entry("/etc/motd"),
            "before\t/etc/motd",
            "stat\t81a4\t0\t0\t6\troot\troot\t1700000000\t/etc/motd",
            f"{HASH}  /etc/motd",
            texts({"/etc/motd": b"hello\n"}),
            "",
        ]
    )
    (actual,) = parse(stdout, "ny1", SCOPE)
    assert actual.key == ResourceKey("file", "/etc/motd", "ny1")
    assert actual.owner == Owner("Web")
    assert actual.spec["content"] == f"sha256:{HASH}"
    assert dict(actual.state) == {
        "account": ("root", "root"),
        "backup": "/var/lib/trellis/shop/dev/files/a5017c23a9f6ed2d1b4e08408fedf24e.before",
        "backed_up": True,
        "for_boot": False,
        "type": "file",
        "mode": 0o644,
        "user": ("root", "0"),
        "group": ("root", "0"),
        "size": 6,
        "written": 1_700_000_000,
        "content": f"sha256:{HASH}",
        "text": "hello\n",
        "unfinished": False,
    }


def test_a_path_where_nothing_is_and_never_was_is_not_there():
    assert parse(SELF + "\n", "ny1", SCOPE) == ()


def test_a_managed_path_where_nothing_is_any_more_is_there():
    (actual,) = parse(SELF + "\n" + entry("/etc/motd", unfinished=True), "ny1", SCOPE)
    assert (actual.state["type"], actual.state["unfinished"]) == ("nothing", True)


def test_neither_hash_nor_text_of_a_secret_is_kept():
    stdout = "\n".join(
        [
            SELF,
            entry("/etc/key", Secret("hello\n")),
            "stat\t81a4\t0\t0\t6\troot\troot\t1700000000\t/etc/key",
            f"{HASH}  /etc/key",
            texts({"/etc/key": b"hello\n"}),
        ]
    )
    (actual,) = parse(stdout, "ny1", SCOPE)
    assert str(actual.state["content"]).startswith("secret:")
    assert actual.state["content"] == actual.spec["content"]
    assert HASH not in repr(actual)
    assert "hello" not in repr(actual)


@pytest.mark.parametrize("path", ["/etc/a b", "/etc/ü\u2028x", "/etc/a  b", "/etc/entry"])
def test_paths_with_spaces_and_unicode_arrive_whole(path):
    stdout = f"{SELF}\nstat\t81a4\t0\t0\t6\troot\tdomain users\t1700000000\t{path}\n{HASH}  {path}\n"
    (actual,) = parse(stdout, "ny1", SCOPE)
    assert (actual.key.name, actual.state["group"]) == (path, ("domain users", "0"))


@pytest.mark.parametrize(("mode", "type_"), [("41ed", "folder"), ("a1ff", "link"), ("11a4", "other"), ("81a4", "file")])
def test_types_are_told_apart(mode, type_):
    (actual,) = parse(f"stat\t{mode}\t0\t0\t6\troot\troot\t1700000000\t/x", "ny1", SCOPE)
    assert actual.state["type"] == type_


@pytest.mark.parametrize("line", ["entry\t{}", "entry\tnot json", "entry\t[]", "what is this"])
def test_what_cannot_be_read_is_an_error_and_not_an_empty_answer(line):
    with pytest.raises(TrellisError) as error:
        parse(line, "ny1", SCOPE)
    assert error.value.where == "host ny1"


def test_only_complaints_about_paths_that_are_not_there_are_expected():
    fine = "sudo: unable to resolve host ny1\nstat: cannot statx '/etc/x': No such file or directory\n"
    assert unexpected(fine) == ""
    denied = "stat: cannot statx '/root/x': Permission denied"
    assert unexpected(fine + denied) == denied
