"""Containers that go on seeing a file as it was: the file's restoring alone does not reach them; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from trellis.plans import Step, Verb
from trellis.resources import ResourceKey
from trellis.values import Value


def with_restarts(decided: Sequence[Step]) -> list[Step]:
    """The same steps, where a running container is made anew when one of its files is, or was while it ran.

    A file that is mounted alone is the file that was there when the container started, whatever takes its path since. A
    run that was killed between the two steps leaves such a container behind.
    """
    files = {
        step.key: step
        for step in decided
        if step.resource is not None and step.resource.spec.get("restarts") and step.verb is not Verb.REMOVE
    }
    return [_restarted(step, files) for step in decided] if files else list(decided)


def _restarted(step: Step, files: Mapping[ResourceKey, Step]) -> Step:
    if step.verb is not Verb.KEEP or step.key.kind != "container" or step.resource is None or step.actual is None:
        return step
    if not step.actual.state.get("running"):
        return step
    mine = [files[key] for key in step.resource.requires if key in files]
    if anew := [file for file in mine if file.verb is not Verb.KEEP and not _only_for_boot(file)]:
        return _made_anew(step, anew, "written anew", drift=all(file.drift for file in anew))
    started = _seconds(step.actual.state.get("started_at"))
    if since := [file for file in mine if _written(file) > started]:
        return _made_anew(step, since, "newer than the container, which still has the old", drift=False)
    return step


def _only_for_boot(file: Step) -> bool:
    """The file itself stays; what changes is whether its host can put it back when it boots."""
    return bool(file.changes) and all(change.path == "at_boot" for change in file.changes)


def _made_anew(step: Step, files: Sequence[Step], how: str, *, drift: bool) -> Step:
    names = ", ".join(file.key.name.rpartition("/")[2] for file in files)
    reason = f"its {'file' if len(files) == 1 else 'files'} {names} {'is' if len(files) == 1 else 'are'} {how}"
    return replace(step, verb=Verb.REPLACE, reason=reason, drift=drift, undo="the old one is put back and started")


def _written(file: Step) -> float:
    """When the host says that the file was written, in seconds of its clock; never where that is not known."""
    written = file.actual.state.get("written") if file.actual else None
    return float(written) if isinstance(written, int) else -math.inf


def _seconds(started_at: Value) -> float:
    """When a container was started, by the clock of the same host; always where that is not known."""
    try:
        return datetime.fromisoformat(str(started_at)).timestamp()
    except ValueError:
        return math.inf
