"""What is to be done about a folder, and what the observing script prints about one."""

import base64
import hashlib

import pytest

from trellis.errors import TrellisError, UsageError
from trellis.plans import Verb
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_files.folders.deciding import decide
from trellis_files.folders.facts import parse_folders
from trellis_files.folders.model import DesiredFolder, entry_line

KEY = ResourceKey("folder", "/srv/site", "ny1")


def folder(**contents: str) -> Resource:
    files = {
        name: {"content": base64.b64encode(text.encode()).decode(), "mode": 0o644} for name, text in contents.items()
    }
    return Resource(KEY, freeze_mapping({"path": "/srv/site", "files": files, "owner": "", "group": ""}), Owner("Web"))


def found(last: Resource | None, **contents: str) -> Actual:
    """As the script prints it, for a folder with these files that was last applied as `last`."""
    lines = []
    if last is not None:
        lines.append("entry\t" + entry_line(DesiredFolder.of(last), last.owner, unfinished=False))
    lines.append("folder\tfolder\t/srv/site")
    for name, text in contents.items():
        lines.append(f"stat\t81a4\t0\t0\troot\troot\t/srv/site/{name}")
        lines.append(f"{hashlib.sha256(text.encode()).hexdigest()}  /srv/site/{name}")
    (actual,) = parse_folders("\n".join(lines) + "\n", "ny1", "root")
    return actual


def test_a_folder_that_is_equal_is_kept():
    wanted = folder(a="1", b="2")
    decision = decide(wanted, found(wanted, a="1", b="2"))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.KEEP, "already equal", False)


def test_what_others_changed_added_and_removed_is_drift():
    wanted = folder(a="1", b="2", c="3")
    decision = decide(wanted, found(wanted, a="9", b="2", d="4"))
    assert decision.reason == "changed by hand, restored: a and c differ, d is too many"
    assert (decision.verb, decision.drift) == (Verb.UPDATE, True)
    assert [change.path for change in decision.changes] == ["a", "c", "d"]


def test_what_the_stack_changed_is_no_drift():
    decision = decide(folder(a="2", c="3"), found(folder(a="1", b="2"), a="1", b="2"))
    assert (decision.reason, decision.drift) == ("a and c differ, b is too many", False)


def test_a_file_of_another_account_is_given_back():
    wanted = folder(a="1")
    actual = found(wanted, a="1")
    owners = {"a": ("ann", "1000", "root", "0")}
    actual = Actual(actual.key, actual.spec, freeze_mapping({**actual.state, "owners": owners}), actual.owner)
    assert decide(wanted, actual).reason == "changed by hand, restored: a belongs to somebody else"


def test_a_folder_that_was_there_before_is_kept_for_later():
    assert decide(folder(a="1"), found(None, x="1")).reason == (
        "was there before Trellis; it is kept and put back on removal"
    )


def test_a_link_in_its_place_is_refused():
    (actual,) = parse_folders("folder\tother\t/srv/site\n", "ny1", "root")
    with pytest.raises(UsageError, match="no folder, and Trellis does not touch it"):
        decide(folder(a="1"), actual)


def test_where_nothing_is_and_never_was_there_is_nothing():
    assert parse_folders("folder\tnothing\t/srv/site\n", "ny1", "root") == ()


@pytest.mark.parametrize("line", ["entry\t{}", "what is this", "stat\t81a4\t0\t0\troot\troot\t/x"])
def test_what_cannot_be_read_is_an_error_and_not_an_empty_answer(line):
    with pytest.raises(TrellisError) as error:
        parse_folders(line, "ny1", "root")
    assert error.value.where == "host ny1"
