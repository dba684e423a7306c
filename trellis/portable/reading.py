"""A document read from text that may be damaged, written by another Trellis, or made to do harm."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, get_args

from trellis.environments.loading import FOLDER
from trellis.environments.names import is_name
from trellis.environments.reading import parse_mapping
from trellis.errors import ConfigError
from trellis.portable.model import SCHEMA_VERSION, Document, ExportedProgram, places
from trellis.state.journal import Entry
from trellis.state.programs import KeptProgram
from trellis.state.records import Applied, Made, Run, RunOutcome, RunRecord, StepRecord
from trellis.values import digest

T = TypeVar("T")
_MAKE_ANOTHER = "make it anew: trellis export -e NAME --out FILE"
_OUTCOMES = tuple(outcome for outcome in get_args(RunOutcome) if outcome != "running")
_STATES = ("started", "done", "failed", "skipped")


def from_text(text: str, label: str) -> Document:
    """The document that a JSON or YAML text holds.

    Args:
        text: all of it.
        label: how messages name it.

    Raises:
        ConfigError: it is no such document, is damaged, or was written by a newer Trellis.
    """
    plain = _parsed(text, label)
    _check_version(plain, label)
    if plain.pop("sha256", None) != _digest(plain, label):
        raise ConfigError(
            "the document is damaged or was edited: its checksum is another", where=label, hint=_MAKE_ANOTHER
        )
    try:
        return _document(plain)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        said = f"{fault} is missing" if isinstance(fault, KeyError) else str(fault)
        raise ConfigError(f"the document cannot be read: {said}", where=label, hint=_MAKE_ANOTHER) from fault


def _parsed(text: str, label: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {str(key): value for key, value in parse_mapping(text, label).items()}
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise ConfigError(f"not a whole JSON document: {fault}", where=label, hint=_MAKE_ANOTHER) from None
    return dict(found)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_version(plain: Mapping[str, Any], label: str) -> None:
    version = plain.get("schema_version")
    if plain.get("kind") != "trellis environment" or isinstance(version, bool) or not isinstance(version, int):
        raise ConfigError("this is no document of trellis export", where=label, hint=_MAKE_ANOTHER)
    if version > SCHEMA_VERSION:
        raise ConfigError(
            f"written by a newer Trellis, {plain.get('written_by')}: the document's schema version is {version}, "
            f"this Trellis knows {SCHEMA_VERSION}",
            where=label,
            hint="upgrade Trellis",
        )
    if version != SCHEMA_VERSION:
        raise ConfigError(f"there is no schema version {version}", where=label, hint=_MAKE_ANOTHER)


def _digest(plain: Mapping[str, Any], label: str) -> str:
    try:
        return digest(plain)
    except (TypeError, ValueError, RecursionError) as fault:  # YAML has dates and more that JSON has not
        raise ConfigError("the document is damaged: not all of it is JSON", where=label, hint=_MAKE_ANOTHER) from fault


def _document(plain: Mapping[str, Any]) -> Document:
    contents = {name: _content(name, found) for name, found in _mapping(plain["contents"]).items()}
    program, blueprint = _mapping(plain["program"]), _mapping(plain["blueprint"])
    found = _files(plain["files"], contents)
    files = {kind: found[kind] for kind in places(Path(), "") if kind in found}
    if not is_name(plain["environment"]) or "environment" not in files or len(files) < len(found):
        raise ValueError("its environment is not one")
    return Document(
        written_by=_text(plain["written_by"]),
        written=_time(plain["written"]),
        environment=plain["environment"],
        blueprint=blueprint,
        blueprint_digest=_text(plain["blueprint_digest"]),
        program=ExportedProgram(
            {_safe(path): content for path, content in _files(program["files"], contents).items()},
            _text(program["branch"]),
            _text(program["commit"]),
            program["dirty"] is True,
        ),
        files=files,
        placement=tuple(map(_made, plain["placement"])),
        history=_history(plain, contents),
    )


def _history(plain: Mapping[str, Any], contents: Mapping[str, bytes]) -> tuple[Entry, ...]:
    entries = tuple(_entry(one, contents) for one in plain["history"])
    numbers = [entry.run.number for entry in entries]
    if numbers != sorted(set(numbers)) or any(number < 1 for number in numbers):
        raise ValueError("the runs are not in order")
    return entries


def _content(name: str, found: Mapping[str, str]) -> bytes:
    content = found["text"].encode() if "text" in found else b64decode(found["base64"], validate=True)
    if sha256(content).hexdigest() != name:
        raise ValueError(f"content {name[:12]} is not what its checksum says")
    return content


def _files(found: object, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: contents[content] for name, content in _mapping(found).items()}


def _safe(path: str) -> str:
    """A path of a program's file: in the project, not hidden, and no environment's."""
    parts = PurePosixPath(path).parts
    strange = path != "/".join(parts) or "\0" in path or any(part.startswith(".") for part in parts)
    if not parts or strange or parts[0] in {"/", FOLDER}:
        raise ValueError(f"{path!r} is not a path of a program's file")
    return path


def _made(found: Mapping[str, Any]) -> Made:
    kind, _, rest = _text(found["key"]).partition(":")
    if not kind or "@" not in rest:
        raise ValueError(f"{found['key']!r} is no resource")
    return Made(
        found["key"], _text(found["role"]), _text(found["service"]), _number(found["instance"]),
        _mapping(found["spec"]), found["certain"] is True,
    )  # fmt: skip


def _entry(found: Mapping[str, Any], contents: Mapping[str, bytes]) -> Entry:
    number = _number(found["run"])
    texts = {name: _text(found[name]) for name in ("environment", "stack", "command", "operator", "summary", "reason")}
    digests = {name: _text(found[name]) for name in ("plan_digest", "blueprint_digest")}
    record = RunRecord(**texts, **digests, counts=_mapping(found["counts"]))
    run = Run(
        number, record, _one_of(_OUTCOMES, found["outcome"]), _time(found["started"]), _ended(found["finished"]),
        tuple(map(_step, found["steps"])),
    )  # fmt: skip
    return Entry(
        run,
        _maybe(found["applied"], _applied),
        _maybe(found["program"], lambda kept: _program(kept, run, contents)),
    )


def _step(found: Mapping[str, Any]) -> StepRecord:
    state = _one_of(_STATES, found["state"])
    key, verb, host, detail = (_text(found[name]) for name in ("key", "verb", "host", "detail"))
    return StepRecord(key, verb, host, state, detail, _time(found["started"]), _ended(found["finished"]))


def _applied(found: Mapping[str, Any]) -> Applied:
    return Applied(_text(found["blueprint"]), _text(found["config_digest"]), _mapping(found["resources"]))


def _program(found: Mapping[str, Any], run: Run, contents: Mapping[str, bytes]) -> KeptProgram:
    files = {_safe(path): content for path, content in _files(found["files"], contents).items()}
    return KeptProgram(run.number, run.record.blueprint_digest, _mapping(found["config"]), _text(found["tree"]), files)


def _maybe(found: Any, read: Callable[[Mapping[str, Any]], T]) -> T | None:
    return None if found is None else read(_mapping(found))


def _mapping(found: object) -> dict[str, Any]:
    if isinstance(found, dict) and all(isinstance(key, str) for key in found):
        return found
    raise TypeError(f"{str(found)[:40]!r} is not a mapping")


def _text(found: object) -> str:
    if isinstance(found, str):
        return found
    raise TypeError(f"{str(found)[:40]!r} is not text")


def _number(found: object) -> int:
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    raise TypeError(f"{str(found)[:40]!r} is not a number")


def _one_of(known: tuple[str, ...], found: Any) -> Any:
    if found in known:
        return found
    raise ValueError(f"{str(found)[:40]!r} is not one of {', '.join(known)}")


def _time(found: object) -> datetime:
    time = datetime.fromisoformat(_text(found))
    if time.tzinfo is None:
        raise ValueError(f"{found} has no time zone")
    return time.astimezone(UTC)


def _ended(found: object) -> datetime | None:
    return None if found is None else _time(found)
