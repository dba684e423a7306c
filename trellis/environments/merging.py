"""Carries an edit over to the text that it was not made on, so that untouched lines stay byte for byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class _Unit:
    """Lines that say the same in both layouts: `original` lines and the range of `rewritten` lines."""

    original: Sequence[str]
    start: int
    end: int


def carried_over(original: str, rewritten: str, edited: str) -> str:
    """The original with the lines changed that differ between the other two.

    A YAML writer spaces, folds and joins lines in its own way. What it makes of the text without the edit shows
    which differences are its own; only the others are the edit's.

    Args:
        original: as its author laid it out.
        rewritten: as the writer lays it out.
        edited: as the writer lays it out after the edit.
    """
    before, after = rewritten.splitlines(keepends=True), edited.splitlines(keepends=True)
    added, dropped = _edit(before, after)
    lines: list[str] = []
    for unit in _units(original.splitlines(keepends=True), before):
        inside = range(unit.start, unit.end)
        lines += added.get(unit.start, ()) if inside else ()
        if dropped.isdisjoint(inside) and added.keys().isdisjoint(inside[1:]):
            lines += unit.original
            continue
        for index in inside:
            lines += added.get(index, ()) if index != unit.start else ()
            lines += () if index in dropped else (before[index],)
    return _joined([*lines, *added.get(len(before), ())], ends=original.endswith("\n"))


def _edit(before: Sequence[str], after: Sequence[str]) -> tuple[dict[int, Sequence[str]], set[int]]:
    """The edit: new lines by the index that they come before, and the indices of lines that go."""
    added: dict[int, Sequence[str]] = {}
    dropped: set[int] = set()
    for tag, start, end, low, high in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            added[start] = after[low:high]
            dropped.update(range(start, end))
    return added, dropped


def _units(original: Sequence[str], rewritten: Sequence[str]) -> Iterator[_Unit]:
    """Both texts in step: line by line where only white space differs, in blocks elsewhere."""
    left, right = (["".join(line.split()) for line in text] for text in (original, rewritten))
    for tag, low, high, start, end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            for index in range(high - low):
                yield _Unit(original[low + index : low + index + 1], start + index, start + index + 1)
        else:
            yield _Unit(original[low:high], start, end)


def _joined(lines: Sequence[str], *, ends: bool) -> str:
    """The lines as one text; an original without a line's end at its end keeps that."""
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    return text if ends else text.removesuffix("\n")
