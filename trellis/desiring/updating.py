"""A service's own update instructions, evaluated for the pair of versions that a step replaces; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from trellis.blueprint import UpdateSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.desiring.binding import Classes, bound_service, failed, guarded, service_secrets
from trellis.errors import StackError
from trellis.plans import Instruction, Step, Verb
from trellis_dsl.secret import Secret
from trellis_dsl.updates import Update


def with_instructions(steps: Iterable[Step], deployment: Deployment, classes: Classes) -> tuple[Step, ...]:
    """The steps, where those that change a version for which the service has a method carry its instructions.

    Raises:
        StackError: a method fails.
    """
    if not any(service.update.methods for service in deployment.blueprint.services):
        return tuple(steps)
    instances = {(placed.service.name, placed.index): placed for placed in deployment.instances}
    return tuple(
        _instructed(step, instances.get((step.owner.service, step.owner.index)), deployment, classes) for step in steps
    )


def _instructed(step: Step, instance: DeployedInstance | None, deployment: Deployment, classes: Classes) -> Step:
    if instance is None or not instance.service.update.methods or not _is_change(step):
        return step
    before, after = _version(_image_before(step)), _version(instance.service.image)
    name = method_for(instance.service.update, before)
    if before == after or not name:
        return step
    instructions = _evaluated(name, Update(before, after), instance, deployment, classes)
    reason = f"image {before} → {after}, by {instance.service.name}.{name}: {'; '.join(map(str, instructions))}"
    return replace(step, verb=Verb.REPLACE, reason=reason, instructions=instructions)


def _is_change(step: Step) -> bool:
    """A replacement here, or one that was interrupted while the old instance still waits beside the new one."""
    if step.key.kind != "container" or step.resource is None or step.actual is None:
        return False
    return step.verb is Verb.REPLACE or (step.verb is Verb.UPDATE and bool(step.actual.state.get("spare_image")))


def _image_before(step: Step) -> str:
    assert step.actual is not None  # noqa: S101 - for the type checker: a change has something before it
    return str(step.actual.state.get("spare_image") or step.actual.spec.get("image", ""))


def _version(image: str) -> str:
    """The tag of a reference; a registry's port is none."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[2] or "latest"


def method_for(update: UpdateSpec, before: str) -> str:
    """The method whose pattern fits the old version best: the longest one; empty when none does."""
    fitting = [(len(pattern), name) for name, pattern in update.methods if fnmatchcase(before, pattern)]
    return max(fitting)[1] if fitting else ""


def _evaluated(
    name: str, update: Update, instance: DeployedInstance, deployment: Deployment, classes: Classes
) -> tuple[Instruction, ...]:
    service = instance.service
    bound = bound_service(classes.services[service.name], instance, deployment)
    try:
        getattr(bound, name)(update)
    except StackError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's method may fail in any way
        raise failed(f"{service.name}.{name}", error, service.location) from None
    secrets = service_secrets(service, deployment)
    return tuple(Instruction(verb, _guarded(argv, secrets)) for verb, argv in update.recorded)


def _guarded(argv: Sequence[str], secrets: tuple[Secret, ...]) -> tuple[str | Secret, ...]:
    return tuple(guarded(word, secrets) for word in argv)
