"""A document as plain JSON values, and as JSON or YAML text that ends in a checksum."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO
from typing import Any, Literal

from trellis.portable.model import SCHEMA_VERSION, Document
from trellis.state.journal import Entry
from trellis.values import digest

Format = Literal["json", "yaml"]


def as_text(document: Document, form: Format = "json") -> str:
    """The document as text."""
    plain = as_plain(document)
    if form == "json":
        return json.dumps(plain, indent=2, ensure_ascii=True) + "\n"
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.allow_unicode = False  # of some characters outside of ASCII it makes spaces when it reads them
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # the library types it as None
    text = StringIO()
    yaml.dump(plain, text)
    return text.getvalue()


def as_plain(document: Document) -> dict[str, Any]:
    """The document as plain JSON values; contents of files stand once each, by their SHA-256."""
    contents: dict[str, bytes] = {}
    plain = {
        "schema_version": SCHEMA_VERSION,
        "kind": "trellis environment",
        "written_by": document.written_by,
        "written": moment(document.written),
        "environment": document.environment,
        "blueprint_digest": document.blueprint_digest,
        "blueprint": document.blueprint,
        "program": {**asdict(document.program), "files": _filed(document.program.files, contents)},
        "files": _filed(document.files, contents),
        "placement": [asdict(one) for one in document.placement],
        "history": [_entry(entry, contents) for entry in document.history],
        "contents": {name: _content(content) for name, content in sorted(contents.items())},
    }
    return {**plain, "sha256": digest(plain)}


def moment(time: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _filed(files: Mapping[Any, bytes], contents: dict[str, bytes]) -> dict[str, str]:
    """Path to digest; the contents are added to `contents`."""
    digests = {str(name): sha256(content).hexdigest() for name, content in sorted(files.items())}
    contents.update({digests[str(name)]: content for name, content in files.items()})
    return digests


def _content(content: bytes) -> dict[str, str]:
    """Readable where it is plain text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    if text and all(character.isprintable() or character in "\n\t" for character in text):
        return {"text": text}
    return {"base64": b64encode(content).decode()}


def _entry(entry: Entry, contents: dict[str, bytes]) -> dict[str, Any]:
    run, program = entry.run, entry.program
    return {
        "run": run.number,
        **asdict(run.record),
        "outcome": run.outcome,
        "started": moment(run.started),
        "finished": moment(run.finished) if run.finished else None,
        "steps": [
            {
                **asdict(step),
                "started": moment(step.started),
                "finished": moment(step.finished) if step.finished else None,
            }
            for step in run.steps
        ],
        "applied": asdict(entry.applied) if entry.applied else None,
        "program": {"config": dict(program.config), "tree": program.tree, "files": _filed(program.files, contents)}
        if program
        else None,
    }
