"""Decides what to set so that a service goes from one role to another, or says why it cannot; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trellis.blueprint import Blueprint, RoleSpec, RunsSpec
from trellis.environments.reading import near_miss
from trellis.errors import PolicyError, UsageError
from trellis.overrides.roles import DATA_HINT, role_called, stays_with_storage


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator wants.

    Attributes:
        service: its name.
        to: the role that is to run it.
        source: the role that runs it now; empty where only one does.
    """

    service: str
    to: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What is to be set, and between which roles the service goes."""

    service: str
    source: str
    target: str
    values: Mapping[str, object | None]

    @property
    def title(self) -> str:
        """``Move Website from Web to Frontend``."""
        return f"Move {self.service} from {self.source} to {self.target}"


def extraction(
    program: Blueprint,
    now: Blueprint,
    overrides: Mapping[str, object],
    asked: Asked,
    carried: Mapping[str, Sequence[str]],
) -> Extraction:
    """What to set.

    Args:
        program: what the program alone says.
        now: the same with what is overridden.
        overrides: what is overridden, by key.
        asked: by the operator.
        carried: each environment to the roles that its hosts carry, as written there.

    Raises:
        UsageError: there is no such service or role, or it is not clear which is meant.
        PolicyError: it may not be moved, keeps data, or no host would run it.
    """
    role, run = _running(now, asked)
    target = _target(now, asked, carried)
    if target.name == role.name:
        raise UsageError(f"{role.name} runs {run.service} already", hint="trellis describe")
    if run.storages:
        raise PolicyError(stays_with_storage(role, run), hint=DATA_HINT)
    if now.service(run.service).relocatable == "no":
        what = f"{run.service} is not relocatable, so no host that runs it gives it away"
        hint = "declare it with relocatable=True in the stack; trellis change commit NAME puts that into the change"
        raise PolicyError(what, hint=hint)
    return Extraction(run.service, role.name, target.name, _values(program, overrides, run, role.name, target.name))


def _running(now: Blueprint, asked: Asked) -> tuple[RoleSpec, RunsSpec]:
    known = [service.name for service in now.services]
    if asked.service not in known:
        raise UsageError(
            f"there is no service {asked.service}{near_miss(asked.service, known)}", hint="trellis describe"
        )
    found = [(role, run) for role in now.roles for run in role.runs if run.service == asked.service]
    if asked.source:
        found = [(role, run) for role, run in found if role.name.lower() == asked.source.lower()]
        if not found:
            raise UsageError(f"no role {asked.source} runs {asked.service}", hint="trellis describe")
    if not found:
        raise UsageError(f"no role runs {asked.service}", hint="say in the stack which one does")
    if len(found) > 1:
        roles = " and ".join(role.name for role, _ in found)
        raise UsageError(f"{roles} run {asked.service}", hint=f"--from {found[0][0].name}")
    return found[0]


def _target(now: Blueprint, asked: Asked, carried: Mapping[str, Sequence[str]]) -> RoleSpec:
    """The role, which hosts of some environment carry: that also tells a new one from one that was misspelt."""
    names = {name.lower() for roles in carried.values() for name in roles}
    known = [role.name for role in now.roles]
    target = role_called(now, asked.to, "--to")
    if target.name.lower() in names:
        return target
    hint = f"trellis role add {target.name} HOST -e {next(iter(carried), 'ENVIRONMENT')}, then again"
    if target.name in known:
        raise PolicyError(
            f"no host of any environment carries {target.name}, so none would run {asked.service}", hint=hint
        )
    what = f"the stack has no role {asked.to}, and no host carries one{near_miss(asked.to, known)}"
    raise UsageError(what, hint=f"for a new role: {hint}")


def _values(
    program: Blueprint, overrides: Mapping[str, object], run: RunsSpec, source: str, target: str
) -> dict[str, object | None]:
    """One key says where the service is, however often it went; none where that is what the program says."""
    for role in program.roles:
        if (run.name, run.service) in {(own.name, own.service) for own in role.runs}:
            keys, end = _way(role.name, run.name, overrides)
            if end.lower() == source.lower():
                gone: dict[str, object | None] = dict.fromkeys(keys)
                return gone if target == role.name else {**gone, f"{role.name}.{run.name}.role": target}
    return {f"{source}.{run.name}.role": target}


def _way(role: str, name: str, overrides: Mapping[str, object]) -> tuple[list[str], str]:
    """The keys that move what a role of the program runs, one after the other, and where it ends."""
    keys: list[str] = []
    while (key := f"{role}.{name}.role") in overrides and key not in keys:
        keys.append(key)
        role = str(overrides[key])
    return keys, role


def without_hosts(target: str, carried: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each environment in which no host carries a role yet."""
    return [
        f"no host of {name} carries {target} yet: trellis role add {target} HOST -e {name}"
        for name, roles in carried.items()
        if target.lower() not in {role.lower() for role in roles}
    ]
