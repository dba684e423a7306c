"""Templates of files: Jinja, strict and sandboxed, with errors that say the line."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.errors import StackError
from trellis_dsl.secret import MASK, Secret

if TYPE_CHECKING:  # Jinja is imported by stacks that use it
    from jinja2 import TemplateError
    from jinja2.sandbox import SandboxedEnvironment


def check_template(root: Path, source: str, known: frozenset[str]) -> None:
    """Parse a template, so that mistakes are found before any host is asked.

    Args:
        root: the stack's folder.
        source: the template, relative to it.
        known: the names that it may use.

    Raises:
        StackError: it is no template, or uses another name.
    """
    from jinja2 import TemplateError, meta

    jinja = _jinja(root)
    try:
        parsed = jinja.parse((root / source).read_text(encoding="utf-8"))
        unknown = sorted(meta.find_undeclared_variables(parsed) - known - set(jinja.globals))
    except (TemplateError, UnicodeDecodeError) as error:
        raise _at_fault(source, error) from None
    if unknown:
        names = ", ".join(sorted(known))
        raise StackError(f"the template uses {unknown[0]}, which is nothing", where=source, hint=f"it knows: {names}")


def render_template(root: Path, source: str, variables: Mapping[str, object]) -> str:
    """The text that a template makes.

    Raises:
        StackError: something in it is not defined, or is a secret that was not revealed.
    """
    from jinja2 import TemplateError

    try:
        text = _jinja(root).get_template(source).render(variables)
    except TemplateError as error:
        raise _at_fault(source, error) from None
    if MASK in text:
        raise _hidden(source)
    return text


def _jinja(root: Path) -> "SandboxedEnvironment":
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        loader=FileSystemLoader(root),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    if isinstance(value, Secret):
        raise _hidden("a template")
    return value


def _hidden(source: str) -> StackError:
    return StackError("a secret would be written as dots", where=source, hint="write it as {{ service.key.reveal() }}")


def _at_fault(source: str, error: "TemplateError | UnicodeDecodeError") -> StackError:
    """The error of a template with its line; what Jinja says names what is missing, never a value."""
    line = getattr(error, "lineno", None) or _line_in(error, source)
    what = getattr(error, "message", None) or "it is not UTF-8 text"
    return StackError(str(what), where=f"{source}:{line}" if line else source)


def _line_in(error: Exception, source: str) -> int | None:
    """Jinja puts the template's own lines into the traceback."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(source):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
