"""Edits of environment files that keep their comments, and never leave a file that cannot be loaded."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from trellis.environments.loading import (
    check_exists,
    environment_file,
    is_config_value,
    label,
    parse_environment,
)
from trellis.environments.merging import carried_over
from trellis.environments.names import KEY_RULE, is_key
from trellis.environments.project import Project
from trellis.environments.reading import near_miss, parse_mapping, read_text
from trellis.environments.writing import exclusive, write_file
from trellis.errors import ConfigError
from trellis.hosts import Host
from trellis.values import Value

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

_LOCAL = "127.0.0.1"  # a host's default address
_WIDEST = 4096  # characters: lines are never folded
Change = Callable[["CommentedMap"], str]
"""Changes a document in place; gives the comment lines that are left over at its end."""


def set_config(project: Project, name: str, key: str, value: Value) -> None:
    """Write a config value, new or changed.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigError: a bad key, a value that a file cannot hold (a secret), or a file at fault.
    """
    if not is_key(key):
        raise ConfigError(f"{key!r} is not a key of a config value", hint=f"use {KEY_RULE}")
    if not is_config_value(value):
        where = f"{label(name)}: config.{key}"
        raise ConfigError("not a value that a file may hold", where=where, hint=f"trellis secret set {key}")
    _edit(project, name, lambda document: _put(document, ("config", key), _plain(value)))


def unset_config(project: Project, name: str, key: str) -> None:
    """Remove a config value. Raises `ConfigError` when it is not set, `UnknownEnvironmentError`."""
    _edit(project, name, lambda document: _remove(document, ("config", key), f"{key} is not set", label(name)))


def add_host(project: Project, name: str, host: Host) -> None:
    """Write a host; its defaults are left out.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigError: there is a host of that name, or something about it is not valid.
    """

    def change(document: "CommentedMap") -> str:
        if host.name in (document.get("hosts") or {}):
            raise ConfigError(f"there is a host {host.name} already", where=f"{label(name)}: hosts")
        return _put(document, ("hosts", host.name), _written(host))

    _edit(project, name, change)


def remove_host(project: Project, name: str, host: str) -> None:
    """Remove a host. Raises `ConfigError` when there is none or a pin names it, `UnknownEnvironmentError`."""
    _edit(project, name, lambda document: _remove(document, ("hosts", host), f"there is no host {host}", label(name)))


def set_draining(project: Project, name: str, host: str, *, draining: bool) -> bool:
    """Mark a host as draining, or take the mark off.

    Returns:
        whether the file was changed: False when the host was so already.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigError: there is no such host, or the file is at fault.
    """
    from trellis.environments.comments import free_comments

    def change(document: "CommentedMap") -> str:
        hosts = document.get("hosts") or {}
        if host not in hosts:
            raise ConfigError(f"there is no host {host}{near_miss(host, hosts)}", where=f"{label(name)}: hosts")
        if draining:
            return _put(document, ("hosts", host, "draining"), value=True)
        if "draining" not in (hosts[host] or {}):
            return ""
        rest = free_comments(document, ("hosts", host, "draining"))
        del hosts[host]["draining"]
        return rest

    return _edit(project, name, change)


def add_role(project: Project, name: str, host: str, role: str) -> bool:
    """Give a host a role.

    Returns:
        whether the file was changed: False when the host had the role.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigError: there is no such host, or no role may be called that.
    """
    return _change_roles(project, name, host, lambda roles: roles if role in roles else [*roles, role])


def remove_role(project: Project, name: str, host: str, role: str) -> bool:
    """Take a role from a host; like `add_role`, False when the host did not have it."""
    return _change_roles(project, name, host, lambda roles: [other for other in roles if other != role])


def _change_roles(project: Project, name: str, host: str, change: Callable[[list[str]], list[str]]) -> bool:
    """Edit the roles of a host where they differ after the change."""

    def edit(document: "CommentedMap") -> str:
        hosts = document.get("hosts") or {}
        if host not in hosts:
            raise ConfigError(f"there is no host {host}{near_miss(host, hosts)}", where=f"{label(name)}: hosts")
        before = list((hosts[host] or {}).get("roles") or [])
        after = change(before)
        return "" if after == before else _reshape(document, ("hosts", host, "roles"), after)

    return _edit(project, name, edit)


def _reshape(document: "CommentedMap", path: Sequence[str], wanted: list[str]) -> str:
    """Bring a list to the wanted items in place, so that its style and its other items' comments stay."""
    current = _section(document, path[:-1]).get(path[-1])
    if not current or not wanted:
        return _put(document, path, _in_one_line(wanted))
    from trellis.environments.comments import free_comments

    rest = free_comments(document, path)
    for index in reversed(range(len(current))):
        if current[index] not in wanted:
            del current[index]
    current.extend(item for item in wanted if item not in current)
    return rest


def _edit(project: Project, name: str, change: Change) -> bool:
    """Read, change, check, write; whether anything was written. A result that cannot be loaded is refused."""
    check_exists(project, name)
    file = environment_file(project, name)
    with exclusive(file.parent):
        before = read_text(file, label(name))
        after = edited(before, change, label(name))
        if after == before:
            return False
        parse_environment(project, name, after)
        write_file(file, after.replace("\n", "\r\n") if b"\r\n" in file.read_bytes() else after)
    return True


def edited(text: str, change: Change, file_label: str) -> str:
    """The text after a change, with its comments, quotes and indentation; the same text when nothing changed.

    Raises:
        ConfigError: the text is not a YAML mapping.
    """
    said = parse_mapping(text, file_label)
    after = _rewritten(text, change) if said else _comments_only(text) + _rewritten(text, change)
    meant = repr(parse_mapping(after, file_label))
    # Their texts are compared, since 1, 1.0 and true are equal in Python; a file that says the same stays as it is.
    if meant == repr(said):
        return text
    merged = carried_over(text, _rewritten(text, lambda _: ""), after) if said else after
    return merged if _says(merged, meant, file_label) else after


def _says(text: str, meant: str, file_label: str) -> bool:
    """Whether a merged text says what the edit meant; a layout that cannot be merged is rewritten."""
    try:
        return repr(parse_mapping(text, file_label)) == meant
    except ConfigError:
        return False


def _rewritten(text: str, change: Change) -> str:
    """The text as the YAML writer lays it out after a change."""
    from ruamel.yaml.comments import CommentedMap

    yaml = _round_trip(text)
    document = yaml.load(text) or CommentedMap()
    yaml.map_indent = _map_indent(document)
    rest = change(document)
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue() + rest


def _round_trip(text: str) -> "YAML":
    """A parser and writer that keeps a text's quotes, list indentation and document marker."""
    from ruamel.yaml import YAML
    from ruamel.yaml.util import load_yaml_guess_indent

    _, sequence, offset = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDEST
    yaml.indent(sequence=sequence or 2, offset=offset or 0)
    yaml.explicit_start = any(line.rstrip() == "---" for line in text.splitlines()) or None
    return yaml


def _map_indent(document: "CommentedMap") -> int:
    """The columns by which the document's first nested mapping is indented; 2 when it has none."""
    from ruamel.yaml.comments import CommentedMap

    nested = [value for value in document.values() if isinstance(value, CommentedMap) and not value.fa.flow_style()]
    return next((value.lc.col for value in nested if value.lc.col), 2)


def _comments_only(text: str) -> str:
    """The comment lines of a text without values."""
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith("#") or not line.strip())


def _section(document: "CommentedMap", path: Sequence[str]) -> "CommentedMap":
    """The mapping at a path, made where there is none."""
    from ruamel.yaml.comments import CommentedMap

    node = document
    for key in path:
        if node.get(key) is None:
            node[key] = CommentedMap()
        node = node[key]
        if not isinstance(node, CommentedMap):
            raise ConfigError("must be a mapping of keys to values", where=".".join(path))
    return node


def _put(document: "CommentedMap", path: Sequence[str], value: object) -> str:
    """Set what stands at a path; comment lines below what it replaces, or comes after, stay below it."""
    from trellis.environments.comments import free_comments

    rest = ""
    section: Any = document
    for depth, key in enumerate(path):
        if section.get(key) is None or depth == len(path) - 1:
            before = key if key in section else next(reversed(section), None)
            rest = free_comments(document, [*path[:depth], before]) if before is not None else ""
            break
        section = section[key]
    _section(document, path[:-1])[path[-1]] = value
    return rest


def _remove(document: "CommentedMap", path: tuple[str, str], missing: str, file_label: str) -> str:
    from trellis.environments.comments import free_comments

    section = document.get(path[0]) or {}
    if path[1] not in section:
        raise ConfigError(f"{missing}{near_miss(path[1], section)}", where=f"{file_label}: {path[0]}")
    rest = free_comments(document, path)
    del section[path[1]]
    return rest


def _written(host: Host) -> "CommentedMap":
    """A host as one line of a file, like people write it."""
    from ruamel.yaml.comments import CommentedMap

    fields = {
        "connect": host.connect,
        "address": host.address if host.address != _LOCAL else "",
        "roles": list(host.roles),
        "labels": dict(host.labels),
        "draining": host.draining,
        "exclusive": host.exclusive,
        "options": dict(host.options),
    }
    entry = CommentedMap({key: value for key, value in fields.items() if value})
    entry.fa.set_flow_style()
    return entry


def _plain(value: Value) -> object:
    """The same value of the types that a YAML writer knows."""
    if isinstance(value, Mapping):
        return dict(value)
    return _in_one_line(value) if isinstance(value, tuple) else value


def _in_one_line(items: Sequence[object]) -> object:
    """A list that is written ``[a, b]``."""
    from ruamel.yaml.comments import CommentedSeq

    sequence = CommentedSeq(items)
    sequence.fa.set_flow_style()
    return sequence
