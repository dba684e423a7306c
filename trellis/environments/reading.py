"""YAML files read safely, with every problem in them collected before one error is raised."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trellis.errors import ConfigError


class Problems:
    """What is wrong with one file, collected.

    Args:
        label: how messages name the file, ``environments/prod.yaml``.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._found: list[tuple[str, str]] = []

    def add(self, path: str, what: str) -> None:
        """Remember one problem at a dotted path; an empty path is the file itself."""
        self._found.append((f"{self.label}: {path}" if path else self.label, what))

    def refuse(self, *, hint: str | None = None) -> None:
        """Raise one `ConfigError` with all problems, one a line; nothing when there are none."""
        if len(self._found) == 1:
            where, what = self._found[0]
            raise ConfigError(what, where=where, hint=hint)
        if self._found:
            raise ConfigError("\n".join(f"{where}: {what}" for where, what in self._found), hint=hint)


def read_text(path: Path, label: str) -> str:
    """The file's text. Raises `ConfigError` when it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise ConfigError(f"cannot be read: {fault.strerror}", where=label) from fault
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", where=label) from None


def parse_mapping(text: str, label: str) -> dict[object, object]:
    """The mapping that a YAML text holds; an empty text is an empty mapping.

    Raises:
        ConfigError: not YAML, a key given twice, or no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as fault:
        raise _not_yaml(fault, label) from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigError("must be a mapping of keys to values", where=label)
    return loaded


def _not_yaml(fault: Exception, label: str) -> ConfigError:
    """The error for a parser's refusal, with the line where it has one."""
    mark = getattr(fault, "problem_mark", None)
    where = f"{label}:{mark.line + 1}" if mark is not None else label
    problem = str(getattr(fault, "problem", None) or "not valid YAML").splitlines()[0]
    if problem.startswith("found duplicate key"):
        key = problem.removeprefix("found duplicate key ").split(" with value")[0].strip("\"'")
        return ConfigError(f"{key} is given twice", where=where)
    return ConfigError(f"not YAML: {problem}", where=where)


def near_miss(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean hosts?`` or nothing."""
    close = difflib.get_close_matches(wrong, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def check_keys(found: Mapping[object, object], known: Sequence[str], path: str, problems: Problems) -> None:
    """Remember every key that nobody knows, with the nearest that there is."""
    for key in found:
        if key not in known:
            problems.add(joined(path, key), f"unknown key{near_miss(str(key), known)}")


def joined(path: str, key: object) -> str:
    """A dotted path with one more key."""
    return f"{path}.{key}" if path else str(key)


def text_at(found: Mapping[object, object], key: str, path: str, problems: Problems) -> str | None:
    """The text at a key; None when it is absent or, remembered as a problem, no text."""
    value = found.get(key)
    if value is None and key not in found:
        return None
    if isinstance(value, str) and value:
        return value
    problems.add(joined(path, key), "must be text" if value is None or value == "" else _quotes(value))
    return None


def mapping_at(found: Mapping[object, object], key: str, path: str, problems: Problems) -> Mapping[object, object]:
    """The mapping at a key; empty when it is absent, null or, remembered as a problem, something else."""
    value = found.get(key)
    if isinstance(value, dict):
        return value
    if value is not None:
        problems.add(joined(path, key), "must be a mapping of keys to values")
    return {}


def texts_at(found: Mapping[object, object], key: str, path: str, problems: Problems) -> tuple[str, ...]:
    """The list of texts at a key; empty when it is absent, null or, remembered as a problem, something else."""
    value = found.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        problems.add(joined(path, key), "must be a list")
        return ()
    for index, item in enumerate(value):
        if not isinstance(item, str) or not item:
            problems.add(f"{joined(path, key)}[{index}]", _quotes(item))
    return tuple(item for item in value if isinstance(item, str))


def text_mapping_at(found: Mapping[object, object], key: str, path: str, problems: Problems) -> Mapping[str, str]:
    """The mapping of text to text at a key, problems remembered."""
    here = joined(path, key)
    result: dict[str, str] = {}
    for name, value in mapping_at(found, key, path, problems).items():
        if isinstance(name, str) and isinstance(value, str):
            result[name] = value
        else:
            problems.add(joined(here, name), _quotes(value if isinstance(name, str) else name))
    return result


def _quotes(value: object) -> str:
    """What to say about a value that is no text."""
    return "must be text" if isinstance(value, dict | list | None | str) else "must be text: put it in quotes"
