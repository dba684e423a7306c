"""Completes names of change-sets, releases and services in the shell; the stack is never run for it."""

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click

from trellis.environments.project import Project, find_project
from trellis.errors import TrellisError

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def changes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of change-sets; of several with commas between them, the last one."""
    before, comma, last = incomplete.rpartition(",")
    if parameter.name not in {"changes", "after"}:
        before, comma, last = "", "", incomplete
    from trellis.revisions import names

    return [f"{before}{comma}{name}" for name in _refs(context, names.CHANGES) if name.startswith(last)]


def releases(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Versions of releases."""
    from trellis.revisions import names

    return [name for name in _refs(context, names.RELEASES) if name.startswith(incomplete)]


def services(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the service classes that stand in the stack program."""
    return _declared(context, "service", incomplete)


def roles(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the role classes that stand in the stack program."""
    return _declared(context, "role", incomplete)


def _refs(context: click.Context, prefix: str) -> list[str]:
    with suppress(TrellisError):
        from trellis.revisions.repository import opened_if_any

        with opened_if_any(_project(context).root) as repository:
            return sorted(name.removeprefix(prefix) for name in repository.refs(prefix)) if repository else []
    return []


def _declared(context: click.Context, kind: str, incomplete: str) -> list[str]:
    with suppress(TrellisError, OSError, SyntaxError, ValueError):
        tree = ast.parse(_project(context).stack_file.read_text(encoding="utf-8"))
        return sorted(name for name in _classes(tree, kind) if name.startswith(incomplete))
    return []


def _classes(tree: ast.Module, kind: str) -> Iterator[str]:
    """Classes that a decorator such as ``@shop.service(...)`` declares."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            used = [item.func if isinstance(item, ast.Call) else item for item in node.decorator_list]
            if any(isinstance(item, ast.Attribute) and item.attr == kind for item in used):
                yield node.name


def _project(context: click.Context) -> Project:
    return find_project(Path(context.params.get("directory") or "."))
