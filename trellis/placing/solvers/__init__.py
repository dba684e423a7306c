"""Solvers for what the sticky greedy pass could not place; third-party ones come by the hook `trellis_solver`."""

from collections.abc import Iterable
from importlib.util import find_spec

from trellis.errors import ConfigError
from trellis.placing.solvers.contract import Answer, Limits, Solver, Standing, Where, standing
from trellis.placing.task import Item, Task

BUNDLED = ("constraint", "cpsat")

# Above this many instances the embedded solver leaves its proof to CP-SAT, where that is installed.
_LARGE = 2_000


def bundled_solver(name: str) -> Solver:
    """The bundled solver of that name.

    Raises:
        ConfigError: there is none.
    """
    if name == "constraint":
        from trellis.placing.solvers.embedded import Embedded

        return Embedded()
    if name == "cpsat":
        from trellis.placing.solvers.cpsat import CpSat

        return CpSat()
    raise ConfigError(
        f"there is no placement solver {name}",
        where="trellis.yaml: placement.solver",
        hint=f"bundled: {', '.join(BUNDLED)}; others come with plugins",
    )


def named_solver(name: str, offered: Iterable[Solver] = ()) -> Solver:
    """The solver of that name, bundled or one of those that plugins offer by the hook `trellis_solver`.

    Raises:
        ConfigError: there is none, or several plugins offer it.
    """
    found = [solver for solver in offered if solver.name == name]
    if len(found) > 1 or (found and name in BUNDLED):
        raise ConfigError(
            f"the placement solver {name} is offered twice",
            where="trellis.yaml: placement.solver",
            hint="uninstall one of the plugins that offer it",
        )
    return found[0] if found else bundled_solver(name)


def solver_for(instances: int) -> Solver:
    """The solver for a problem of that size, of those that can run here.

    The embedded one first: it is the faster at any size. In a large problem CP-SAT, where it is installed, tries
    to place what that one could not.
    """
    if instances <= _LARGE or find_spec("ortools") is None:
        return bundled_solver("constraint")
    from trellis.placing.solvers.cpsat import EmbeddedThenCpSat

    return EmbeddedThenCpSat()


__all__ = [
    "BUNDLED",
    "Answer",
    "Item",
    "Limits",
    "Solver",
    "Standing",
    "Task",
    "Where",
    "bundled_solver",
    "named_solver",
    "solver_for",
    "standing",
]
