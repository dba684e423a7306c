"""Reads the examples in the documentation, and what a console example expects."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ANYTHING = "…"
NOT_RUN = "<!-- not run:"  # in the line above a fence; the reason follows


@dataclass(frozen=True)
class Example:
    """A fenced block: its language, the file that it is shown as, and why it is not run."""

    page: Path
    line: int
    language: str
    text: str
    caption: str = ""
    not_run: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command of a console example, and the lines that it is said to print; none are given when any will do."""

    text: str
    expected: tuple[str, ...] = field(default=())


def examples(page: Path) -> list[Example]:
    """Every fenced block of a page, nested ones too."""
    return list(_examples(page, page.read_text(encoding="utf-8"), 0))


def _examples(page: Path, text: str, first: int) -> Iterator[Example]:
    lines = text.splitlines()
    for token in MarkdownIt("commonmark").parse(text):
        if token.type != "fence" or token.map is None:
            continue
        start = token.map[0]
        above = lines[start - 1].strip() if start else ""
        not_run = above.removeprefix(NOT_RUN).removesuffix("-->").strip() if above.startswith(NOT_RUN) else ""
        language, caption, body = _unwrapped(token.info.strip(), token.content)
        if language.startswith("{"):  # a directive that holds more Markdown, such as a note
            yield from _examples(page, body, first + start + 1)
        else:
            yield Example(page, first + start + 1, language, body, caption, not_run)


def _unwrapped(info: str, content: str) -> tuple[str, str, str]:
    """Language, caption and text of a fence, or of a code-block directive."""
    name, _, argument = info.partition(" ")
    if name != "{code-block}":
        return name, "", content
    options, _, body = content.partition("\n\n") if content.startswith(":") else ("", "", content)
    caption = re.search(r"^:caption:\s*(\S+)$", options, re.MULTILINE)
    return argument, caption.group(1) if caption else "", body


def commands(example: Example) -> list[Command]:
    """The commands of a console example; one that ends in a backslash goes on in the next line."""
    found: list[tuple[list[str], list[str]]] = []
    for line in example.text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            raise ValueError(f"{example.place}: a console example starts with a command: {line!r}")
        elif found[-1][0][-1].endswith("\\") and not found[-1][1]:
            found[-1][0].append(line)
        else:
            found[-1][1].append(line)
    return [Command("\n".join(words), tuple(expected)) for words, expected in found]


def matches(expected: tuple[str, ...], printed: str) -> bool:
    """Whether that was printed: ``…`` in a line is any text, ``…`` alone any number of lines."""
    pattern = "".join(_line_pattern(line) for line in expected)
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None


def _line_pattern(line: str) -> str:
    if line.strip() == ANYTHING:
        return r"(?:[^\n]*\n)*?"
    return "[^\\n]*".join(re.escape(part) for part in line.rstrip().split(ANYTHING)) + "\n"
