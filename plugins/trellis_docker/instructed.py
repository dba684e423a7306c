"""Replaces one container as its service's own update method says, one journalled instruction after the other."""

from collections.abc import Mapping, Sequence

from trellis.errors import ApplyError
from trellis.plans import Instruction, Step
from trellis.resources import Resource
from trellis.values import digest, fingerprinted
from trellis_docker import commands
from trellis_docker.facts import Json, macs_of
from trellis_docker.faults import last_lines
from trellis_docker.labels import DIGEST
from trellis_docker.rollout import Rollout
from trellis_docker.spec import ContainerSpec, container_spec
from trellis_dsl.secret import Secret


class InstructedRollout(Rollout):
    """A rollout that follows instructions; killed anywhere, the next one goes on after the last finished instruction.

    The old container waits, stopped, until everything is through: it is what a failure goes back to.
    """

    async def follow(self, step: Step, resource: Resource) -> None:
        """Do the instructions that are not done yet, then remove the old container.

        Raises:
            ApplyError: an instruction failed; what was done is said, and the old one runs again where that is possible.
        """
        spec = container_spec(resource.spec)
        await self._refuse_foreign(spec)
        instructions, journal = step.instructions, self._applying.tools.instructions
        done = journal.done(step) if journal else 0
        if done:
            self._applying.report(f"going on after: {'; '.join(map(str, instructions[:done]))}")
        for number in range(done + 1, len(instructions) + 1):
            if journal:
                journal.started(step, number)
            await self._do_or_undo(instructions, number, resource, spec)
            if journal:
                journal.finished(step, number)
        await self._finish(resource, spec)

    async def _do_or_undo(
        self, instructions: Sequence[Instruction], number: int, resource: Resource, spec: ContainerSpec
    ) -> None:
        instruction = instructions[number - 1]
        self._applying.report(f"{number} of {len(instructions)}: {instruction}")
        try:
            await self._do(instruction, resource, spec)
        except ApplyError as error:
            before = "; ".join(map(str, instructions[: number - 1])) or "nothing"
            told = ApplyError(
                f"{error.what}\n  instruction {number}, {instruction}, failed; done before: {before}",
                where=error.where,
                hint=error.hint,
            )
            _, old = await self._pair(resource, spec)
            raise await self._undone(told, spec, old) from error

    async def _do(self, instruction: Instruction, resource: Resource, spec: ContainerSpec) -> None:
        new, old = await self._pair(resource, spec)
        match instruction.verb:
            case "stop":
                await self._stop_old(old, spec)
            case "start":
                await self._start_new(new, old, resource, spec)
            case "run":
                await self._run_in(new or old, instruction, resource)

    async def _stop_old(self, old: Json | None, spec: ContainerSpec) -> None:
        if old is not None and old["State"] != "exited":
            await self._leave(old)
            await self._engine.call(commands.stop(old["Id"], spec.stop_grace))

    async def _start_new(self, new: Json | None, old: Json | None, resource: Resource, spec: ContainerSpec) -> None:
        """Make it when a killed run has not, start it, and wait until it is healthy."""
        if new is None:
            if old is not None:
                await self._set_aside(old, spec)
            await self._create(resource, spec, macs_of(old) if old is not None else frozenset())
        await self._start(spec.name, spec)
        await self._wait(spec.name, resource)
        await self._enter(spec)

    async def _run_in(self, container: Json | None, instruction: Instruction, resource: Resource) -> None:
        if container is None or container["State"] != "running":
            raise self._failure(
                "does not run, so nothing can be run in it", hint="put start() before run() in the method"
            )
        argv = [word.reveal() if isinstance(word, Secret) else word for word in instruction.argv]
        ended = await self._engine.execute(container["Id"], argv)
        if ended.status:
            secrets = [word for word in instruction.argv if isinstance(word, Secret)]
            lines = last_lines(ended.stdout + ended.stderr, [*secrets, *_secrets_of(resource)])
            said = "".join(f"\n  | {line}" for line in lines) or "\n  (it printed nothing)"
            what = f"{instruction}: ended with status {ended.status}; its last lines:{said}"
            raise self._failure(what, hint="put right what it complains about, then run trellis up again")

    async def _finish(self, resource: Resource, spec: ContainerSpec) -> None:
        """The new one runs, whether the method said so or not, and the old one is gone."""
        new, old = await self._pair(resource, spec)
        if new is None or new["State"] != "running":
            await self._start_new(new, old, resource, spec)
        for container in (await self._twins(spec)).spares:
            await self._discard(container, spec.stop_grace)

    async def _pair(self, resource: Resource, spec: ContainerSpec) -> tuple[Json | None, Json | None]:
        """The container that was made from the new spec, and the one from before."""
        wanted = digest(fingerprinted(resource.spec, self._applying.scope.salt))
        twins = await self._twins(spec)
        new = twins.current if twins.current and twins.current["Labels"].get(DIGEST) == wanted else None
        others = [one for one in twins.every if one is not new]
        return new, next(iter(others), None)


def _secrets_of(resource: Resource) -> list[Secret]:
    env = resource.spec.get("env")
    return [value for value in env.values() if isinstance(value, Secret)] if isinstance(env, Mapping) else []
