"""How far a service's own update got: each instruction is a step of its own in the journal."""

from trellis.plans import Step
from trellis.state.store import Store
from trellis.values import digest


class JournalledInstructions:
    """Keeps it in the store, as steps whose key names the container, the update and the instruction.

    Args:
        store: open.
        environment: whose.
        run: the run that is under way.
    """

    def __init__(self, store: Store, environment: str, run: int) -> None:
        self._store, self._environment, self._run = store, environment, run

    def done(self, step: Step) -> int:
        """How many are through since the container was last replaced, or put back."""
        keys = [_key(step, number + 1) for number in range(len(step.instructions))]
        through = self._store.done_since(self._environment, str(step.key), keys)
        return next((number for number, key in enumerate(keys) if key not in through), len(keys))

    def started(self, step: Step, number: int) -> None:
        """It is being done."""
        verb, detail = step.instructions[number - 1].verb, str(step.instructions[number - 1])
        self._store.step_started(self._run, _key(step, number), verb, step.key.host, detail)

    def finished(self, step: Step, number: int) -> None:
        """It is through."""
        self._store.step_finished(self._run, _key(step, number), "done")


def _key(step: Step, number: int) -> str:
    """``container:mariadb-1@here update 4f2a…/2``: another update, or other instructions, have other keys."""
    told = [str(instruction) for instruction in step.instructions]
    image = step.resource.spec.get("image") if step.resource else ""
    return f"{step.key} update {digest([image, told])[:12]}/{number}"
