from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.environments.editing import (
    add_host,
    add_role,
    remove_host,
    remove_role,
    set_config,
    unset_config,
)
from trellis.environments.merging import carried_over
from trellis.environments.project import Project
from trellis.hosts import Host

NASTY = """\
# top   comment, with trailing spaces   
hosts:   # the hosts
    ny1:   {connect: "ssh://deploy@10.0.0.1",   address: 10.0.0.1, roles: [ web,database ]}   # flow

    # before ny2
    "ny2":
        connect:   'ssh://deploy@10.0.0.2'
        address: &a   10.0.0.2
        roles:
          - web     # because
          - database
        labels: {
          town:   "Łódź",   # in flow
          on: 'yes'
        }

# about config
config:
    Website.domain:   www.shop.example     # name
    Website.motd: >-
        folded
        text
    Website.long: |
        literal   text  

        # not a comment
    Website.names: [ "a",  b ]   
# the end
"""  # noqa: W291 - white space at ends of lines is part of what must stay
EDITS: list[tuple[str, Callable[[Project], object], str, str]] = [
    (
        "a host added",
        lambda project: add_host(project, "dev", Host("ny3", "ssh://ny3")),
        "        }\n\n# about",
        "        }\n    ny3: {connect: ssh://ny3}\n\n# about",
    ),
    (
        "a host removed",
        lambda project: remove_host(project, "dev", "ny1"),
        '    ny1:   {connect: "ssh://deploy@10.0.0.1",   address: 10.0.0.1, roles: [ web,database ]}   # flow\n',
        "",
    ),
    (
        "a role given",
        lambda project: add_role(project, "dev", "ny2", "proxy"),
        "          - database\n",
        "          - database\n          - proxy\n",
    ),
    (
        "a role taken",
        lambda project: remove_role(project, "dev", "ny2", "web"),
        "          - web     # because\n",
        "",
    ),
    (
        "a value changed",
        lambda project: set_config(project, "dev", "Website.motd", "new"),
        "    Website.motd: >-\n        folded\n        text\n",
        "    Website.motd: >-\n        new\n",
    ),
    (
        "a value removed",
        lambda project: unset_config(project, "dev", "Website.domain"),
        "    Website.domain:   www.shop.example     # name\n",
        "",
    ),
]


@pytest.mark.parametrize("ends_with_newline", [True, False])
@pytest.mark.parametrize(("edit", "old", "new"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_an_edit_changes_its_own_lines_and_no_other_byte(
    project: Project, edit: Callable[[Project], object], old: str, new: str, *, ends_with_newline: bool
) -> None:
    before = NASTY if ends_with_newline else NASTY.removesuffix("\n")
    file = Path(project.root) / "environments" / "dev.yaml"
    file.write_text(before, encoding="utf-8")
    edit(project)
    assert before.count(old) == 1
    assert file.read_text(encoding="utf-8") == before.replace(old, new)


def test_line_ends_of_windows_stay(project: Project) -> None:
    file = Path(project.root) / "environments" / "dev.yaml"
    file.write_bytes(b"hosts:\r\n  ny1: {roles: [web]}   # one\r\n")
    add_host(project, "dev", Host("ny2", "ssh://ny2"))
    assert file.read_bytes() == b"hosts:\r\n  ny1: {roles: [web]}   # one\r\n  ny2: {connect: ssh://ny2}\r\n"


LINES = st.lists(st.sampled_from(["a: 1\n", "a:   1\n", "b: 2\n", "\n", "# c\n", "{x,\n", "y}\n"]), max_size=8)


@given(original=LINES, rewritten=LINES)
def test_without_an_edit_the_original_stays_whatever_the_writer_makes_of_it(
    original: list[str], rewritten: list[str]
) -> None:
    text = "".join(original)
    assert carried_over(text, "".join(rewritten), "".join(rewritten)) == text


@given(original=LINES, edited=LINES)
def test_a_writer_that_keeps_the_layout_makes_the_edit_whole(original: list[str], edited: list[str]) -> None:
    assert carried_over(
        "a\n" + "".join(original), "a\n" + "".join(original), "a\n" + "".join(edited)
    ) == "a\n" + "".join(edited)
