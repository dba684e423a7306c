"""Carries a step out: images, networks and volumes here, containers in their rollout."""

from trellis.errors import ApplyError
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying
from trellis.resources import Resource
from trellis_docker import commands
from trellis_docker.client import Engine
from trellis_docker.deciding import foreign_name
from trellis_docker.faults import explain_pull, first_line
from trellis_docker.instructed import InstructedRollout
from trellis_docker.labels import is_ours
from trellis_docker.refusals import EngineError
from trellis_docker.rollout import Rollout


async def apply(step: Step, applying: Applying, engine: Engine, source: Engine | None = None) -> None:
    """Do what the step says.

    Args:
        step: one of Docker's kinds.
        applying: what may be used.
        engine: of the step's host.
        source: of the host that a moved instance leaves.

    Raises:
        ApplyError: it could not be done; what was there before is there again.
    """
    try:
        await _KINDS[step.key.kind](step, applying, engine, source)
    except EngineError as error:
        what = f"{step.verb.value} {step.key.kind} {step.key.name}: {first_line(error.message)}"
        raise ApplyError(what, where=f"host {engine.host}", hint="see docker's own log on that host") from error


async def ensure_image(reference: str, applying: Applying, engine: Engine) -> None:
    """Have the image on the host: what is there is kept, what is missing is pulled.

    Raises:
        ApplyError: it is nowhere.
    """
    if await engine.image(reference) is not None:
        return
    try:
        await engine.pull(reference, applying.report)
    except EngineError as error:
        what, hint = explain_pull(reference, error.message, engine.host)
        raise ApplyError(what, where=f"host {engine.host}", hint=hint) from error


async def _image(step: Step, applying: Applying, engine: Engine, _: Engine | None) -> None:
    """Images are never removed: others may use them, and a rollback may need them."""
    if step.verb is not Verb.REMOVE:
        await ensure_image(str(_resource(step).spec["reference"]), applying, engine)


async def _network(step: Step, applying: Applying, engine: Engine, _: Engine | None) -> None:
    name = _docker_name(step)
    present = [network for network in await engine.networks() if network["Name"] == name]
    for network in present:
        _refuse_foreign(step, applying, network)
    if step.verb is Verb.REMOVE:
        for network in present:
            await engine.call(commands.remove_network(network["Id"]))
        return
    if not present:
        await engine.call(commands.create_network(_resource(step), applying.scope))
    await _keep_one_network(name, engine)


async def _keep_one_network(name: str, engine: Engine) -> None:
    """Docker makes two networks of one name when a killed run's call was still under way: the oldest stays."""
    same = [network for network in await engine.networks() if network["Name"] == name]
    for network in sorted(same, key=lambda one: str(one["Created"]))[1:]:
        await engine.call(commands.remove_network(network["Id"]))


async def _volume(step: Step, applying: Applying, engine: Engine, _: Engine | None) -> None:
    """Removing a volume removes its data; the engine decides when."""
    name = _docker_name(step)
    present = await engine.volume(name)
    _refuse_foreign(step, applying, present)
    if step.verb is Verb.REMOVE:
        if present is not None:
            await engine.call(commands.remove_volume(name))
    elif present is None:
        await engine.call(commands.create_volume(_resource(step), applying.scope))


async def _container(step: Step, applying: Applying, engine: Engine, source: Engine | None) -> None:
    rollout = Rollout(engine, applying, step.key.name, step.watch)
    match step.verb:
        case Verb.REMOVE:
            await rollout.remove(_stop_grace(step))
        case Verb.UPDATE:
            await rollout.update(_resource(step))
        case Verb.CREATE | Verb.REPLACE:
            await ensure_image(str(_resource(step).spec["image"]), applying, engine)
            if step.instructions:
                await InstructedRollout(engine, applying, step.key.name).follow(step, _resource(step))
            else:
                await rollout.bring_up(_resource(step))
        case Verb.MOVE:
            await ensure_image(str(_resource(step).spec["image"]), applying, engine)
            await rollout.bring_up(_resource(step))
            if source is not None:
                await Rollout(source, applying, step.key.name).remove(_stop_grace(step))


_KINDS = {"image": _image, "network": _network, "volume": _volume, "container": _container}


def _resource(step: Step) -> Resource:
    if step.resource is None:
        raise ValueError(f"a step that is to {step.verb.value} {step.key} without saying how it should be")
    return step.resource


def _docker_name(step: Step) -> str:
    """The name in Docker, which may be longer than the resource's own."""
    for known in (step.resource, step.actual):
        if known is not None and known.spec.get("name"):
            return str(known.spec["name"])
    return step.key.name


def _stop_grace(step: Step) -> float:
    for known in (step.actual, step.resource):
        grace = known.spec.get("stop_grace") if known is not None else None
        if isinstance(grace, int | float):
            return float(grace)
    return 10.0


def _refuse_foreign(step: Step, applying: Applying, present: object) -> None:
    labels = present.get("Labels") if isinstance(present, dict) else None
    if present is not None and not is_ours(labels, applying.scope):
        raise foreign_name(step.key.kind, _docker_name(step), step.key.host, ApplyError)
