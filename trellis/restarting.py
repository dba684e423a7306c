"""Containers that would go on seeing a file as it was: the file's restoring alone does not reach them; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trellis.plans import Step, Verb
from trellis.resources import ResourceKey


def with_restarts(decided: Sequence[Step]) -> list[Step]:
    """The same steps, where a running container is made anew when one of its files is.

    A file that is mounted alone is the file that was there when the container started, whatever takes its path since.
    """
    written = {
        step.key: step
        for step in decided
        if step.verb in (Verb.CREATE, Verb.UPDATE) and step.resource is not None and step.resource.spec.get("restarts")
    }
    return [_restarted(step, written) for step in decided] if written else list(decided)


def _restarted(step: Step, written: Mapping[ResourceKey, Step]) -> Step:
    if step.verb is not Verb.KEEP or step.key.kind != "container" or step.resource is None or step.actual is None:
        return step
    files = [written[key] for key in step.resource.requires if key in written]
    if not files or not step.actual.state.get("running"):
        return step
    names = ", ".join(file.key.name.rpartition("/")[2] for file in files)
    reason = f"its {'file' if len(files) == 1 else 'files'} {names} {'is' if len(files) == 1 else 'are'} written anew"
    return replace(
        step,
        verb=Verb.REPLACE,
        reason=reason,
        drift=all(file.drift for file in files),
        undo="the old one is put back and started",
    )
