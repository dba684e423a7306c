"""The runner of examples finds a lie."""

from pathlib import Path

import pytest
from console import Reader
from examples import Command, commands, examples, matches

PAGE = """
# A page

```console
$ echo one
one
$ cd /tmp && \\
    false
$ echo $?
1
```

````{note}
Nested:

```console
$ pwd
/tmp
```
````

```{code-block} python
:caption: parts/web.py

NAME = "web"
```

<!-- not run: it takes an hour -->
```console
$ sleep 3600
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_examples_are_found_with_their_place_file_and_reason(page: Path) -> None:
    first, nested, code, skipped = examples(page)
    assert (first.language, first.place) == ("console", "page.md:4")
    assert (nested.text, nested.language) == ("$ pwd\n/tmp\n", "console")
    assert (code.language, code.caption, code.text) == ("python", "parts/web.py", 'NAME = "web"\n')
    assert skipped.not_run == "it takes an hour"


def test_commands_keep_their_continuation_and_output(page: Path) -> None:
    assert commands(examples(page)[0]) == [
        Command("echo one", ("one",)),
        Command("cd /tmp && \\\n    false"),
        Command("echo $?", ("1",)),
    ]


@pytest.mark.parametrize(
    ("expected", "printed", "answer"),
    [
        (("one",), "one\n", True),
        (("one",), "two\n", False),
        (("one",), "one\ntwo\n", False),
        (("one", "…"), "one\n", True),
        (("one", "…", "four"), "one\ntwo\nthree\nfour  \n", True),
        (("one", "…", "four"), "one\ntwo\n", False),
        (("took … s",), "took 1.5 s\n", True),
        (("took … s",), "took 1.5\n s\n", False),
        (("a.c",), "abc\n", False),
    ],
)
def test_output_is_compared(expected: tuple[str, ...], printed: str, answer: bool) -> None:  # noqa: FBT001 - a case
    assert matches(expected, printed) is answer


def test_a_page_runs_in_one_folder_and_writes_its_files(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for example in examples(page)[:2]:
        reader.follow(example)
    reader.here = reader.folder
    reader.follow(examples(page)[2])
    assert (reader.folder / "parts" / "web.py").read_text() == 'NAME = "web"\n'


@pytest.mark.parametrize("lie", ["$ echo one\ntwo", "$ false", "$ false\n$ true", "$ true\n$ echo $?\n1"])
def test_a_lie_fails(lie: str, tmp_path: Path) -> None:
    page = tmp_path / "lie.md"
    page.write_text(f"```console\n{lie}\n```\n")
    with pytest.raises(AssertionError, match=r"lie\.md:1: \$ "):
        Reader(tmp_path).follow(examples(page)[0])
