"""Load: run the stack's program and find the stack in it."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from trellis.errors import StackError, TrellisError
from trellis_dsl.location import Location
from trellis_dsl.stack import Stack


def load_stack(file: Path) -> Stack:
    """Run the program and return its one stack.

    Args:
        file: ``stack.py``; modules beside it can be imported by it.

    Raises:
        StackError: it cannot be read or run, or it declares no stack, or more than one.
    """
    if not file.is_file():
        raise StackError("there is no stack program", where=str(file), hint="trellis init")
    with _importable(file.parent):
        module = _run(file)
    found = {id(value): value for value in vars(module).values() if isinstance(value, Stack)}
    if len(found) != 1:
        names = ", ".join(sorted(stack.name for stack in found.values())) or "none"
        raise StackError(
            f"a stack program declares one stack; found: {names}",
            where=file.name,
            hint='write one: shop = Stack("shop")',
        )
    return next(iter(found.values()))


def _run(file: Path) -> object:
    name = f"_trellis_stack_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # noqa: S101 - for the type checker: a .py file has a spec
    assert spec.loader is not None  # noqa: S101 - likewise
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except TrellisError as error:
        error.where = _place(error, file.parent)
        raise
    except Exception as error:
        raise _explained(error, file.parent) from error
    finally:
        sys.modules.pop(name, None)
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the program import what lies beside it, and forget those modules afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(f"{folder}/"):
                del sys.modules[name]


def _explained(error: Exception, folder: Path) -> StackError:
    """The program's own error with its place: the deepest line of the user's files."""
    sentence = "".join(traceback.TracebackException.from_exception(error).format_exception_only()).strip()
    if isinstance(error, SyntaxError):
        return StackError(
            f"syntax error: {error.msg}", where=Location(_shown(error.filename, folder), error.lineno or 0)
        )
    where = _deepest(error, folder)
    hint = None
    if isinstance(error, ImportError) and "partially initialized" in str(error):
        hint = "these modules import each other; declare x = connects_to() and call stack.connect(A.x, B.y)"
    return StackError(sentence.splitlines()[-1], where=where, hint=hint)


def _place(error: TrellisError, folder: Path) -> Location | str | None:
    """Where the vocabulary's own refusal is, as a line below the stack's folder."""
    if isinstance(error.where, Location):
        return replace(error.where, file=_shown(error.where.file, folder))
    return error.where or _deepest(error, folder)


def _deepest(error: Exception, folder: Path) -> Location | None:
    """The deepest line of the user's files that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(f"{folder}/")]
    return Location(_shown(ours[-1].filename, folder), ours[-1].lineno or 0) if ours else None


def _shown(file: str | None, folder: Path) -> str:
    return (file or "").removeprefix(f"{folder}/")
