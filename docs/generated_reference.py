"""Writes the reference pages that are taken from the code, so that they cannot say anything else."""

from collections.abc import Callable, Iterator, Mapping
from inspect import getdoc
from pathlib import Path

from trellis.errors import TrellisError


def write_pages(folder: Path) -> None:
    """Write every page; a page that is right already keeps its time, so that Sphinx does not read it again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        page, text = folder / name, write()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def error_classes() -> tuple[type[TrellisError], ...]:
    """Every class of the error tree, sorted by exit code, a base before what it is the base of."""
    return tuple(sorted(_below(TrellisError), key=lambda cls: (cls.exit_code, len(cls.__mro__), cls.__name__)))


def exit_codes() -> Mapping[int, str]:
    """Exit code to what it means, in the words of the class that introduces it; 0 and 255 are not errors' codes."""
    meanings = {0: "Done, or nothing to do."}
    for cls in error_classes():
        meanings.setdefault(cls.exit_code, _first_sentence(cls))
    meanings[1] = "Another error; the message says which."
    return dict(sorted((meanings | {255: "A bug in Trellis, with a traceback."}).items()))


def exit_code_page() -> str:
    """A table of exit codes, and one of the classes behind them."""
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in exit_codes().items())
    classes = "\n".join(f"| `{cls.__name__}` | {cls.exit_code} | {_first_sentence(cls)} |" for cls in error_classes())
    return (
        f"| Exit code | Meaning |\n|---|---|\n{codes}\n\n"
        f"## Error classes\n\n| Class | Exit code | Meaning |\n|---|---|---|\n{classes}\n"
    )


def _below(cls: type[TrellisError]) -> Iterator[type[TrellisError]]:
    yield cls
    for subclass in cls.__subclasses__():
        if subclass.__module__.startswith("trellis"):
            yield from _below(subclass)


def _first_sentence(cls: type) -> str:
    return (getdoc(cls) or "").partition("\n\n")[0].replace("\n", " ")


PAGES: Mapping[str, Callable[[], str]] = {
    "exit-codes.md": exit_code_page,
}
"""File name to what writes it; the pages around them include these."""
