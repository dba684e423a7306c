"""One role class: what its hosts run, keep and reserve."""

import inspect
from collections.abc import Mapping
from pathlib import Path

from trellis.blueprint import RoleSpec, RunsSpec, StorageSpec
from trellis.errors import StackError
from trellis.evaluating.allowing import reaches, role_allows
from trellis.evaluating.files import file_specs
from trellis.evaluating.members import Member, declarations
from trellis.placing.model import Counting, InstancePolicy, Needs
from trellis_dsl.config import service_name
from trellis_dsl.policies import Runs
from trellis_dsl.service import Role, Service
from trellis_dsl.stack import Stack
from trellis_dsl.storage import Mount, Storage


def role_spec(member: Member, stack: Stack, members: Mapping[str, Member], root: Path) -> RoleSpec:
    """The specification of a role class.

    Raises:
        StackError: it runs one service twice, a mount has no storage, a storage is not this role's…
    """
    options, _ = stack.roles[member.cls]
    _refuse_same_service(member)
    runs = tuple(_runs(member, declared, members) for declared in declarations(member.cls, Runs))
    return RoleSpec(
        name=member.name,
        runs=runs,
        storages=tuple(_storage(member, declared) for declared in declarations(member.cls, Storage)),
        files=file_specs(member, root),
        allows=role_allows(member, frozenset(run.service for run in runs), members),
        reaches=reaches(member),
        conflicts_with=tuple(sorted(service_name(other) for other in options.conflicts_with)),
        reserves=Needs(options.cpu, options.memory, options.disk, options.network),
        help=_help(member.cls),
        location=str(member.place),
    )


def _help(cls: type) -> str:
    return "" if cls.__doc__ == Role.__doc__ else inspect.cleandoc(cls.__doc__ or "")


def _refuse_same_service(member: Member) -> None:
    seen: dict[type, str] = {}
    for declared in declarations(member.cls, Runs):
        if declared.service in seen:
            raise StackError(
                f"{member.name} runs {service_name(declared.service)} already, as {seen[declared.service]}",
                where=member.at(declared),
                hint="say the number of instances once",
            )
        seen[declared.service] = declared.name


def _runs(member: Member, declared: "Runs[Service]", members: Mapping[str, Member]) -> RunsSpec:
    policy = declared.policy
    return RunsSpec(
        name=declared.name,
        service=service_name(declared.service),
        policy=InstancePolicy(policy.low, policy.high, Counting(policy.counting)),
        storages=_storages(member, declared),
        spread_over=declared.labels_to_spread,
        apart_from=_named(member, declared, declared.apart, members),
        together_with=_named(member, declared, declared.together, members),
        requires_labels=tuple(sorted(declared.labels.items())),
        requires_facts=tuple(sorted(declared.facts.items())),
    )


def _named(
    member: Member, declared: "Runs[Service]", classes: tuple[type[Service], ...], members: Mapping[str, Member]
) -> tuple[str, ...]:
    names = tuple(sorted(service_name(cls) for cls in classes))
    for name in names:
        if name not in members:
            raise StackError(f"{name} is not a service of the stack", where=member.at(declared))
    return names


def _storages(member: Member, declared: "Runs[Service]") -> tuple[tuple[str, str], ...]:
    own = declarations(member.cls, Storage)
    mounts = {mount.name for mount in declarations(declared.service, Mount)}
    for name, storage in declared.storages.items():
        if name not in mounts:
            raise StackError(
                f"{service_name(declared.service)} has no mount {name}",
                where=member.at(declared),
                hint=f"its mounts are: {', '.join(sorted(mounts)) or 'none'}",
            )
        if storage not in own:
            raise StackError(f"{name}= is not a storage of {member.name}", where=member.at(declared))
    for name in sorted(mounts - set(declared.storages)):
        raise StackError(
            f"{service_name(declared.service)}.{name} has no storage here",
            where=member.at(declared),
            hint=f'declare data = Storage("20 GiB") in {member.name} and pass {name}=data',
        )
    return tuple(sorted((mount, storage.name) for mount, storage in declared.storages.items()))


def _storage(member: Member, declared: Storage) -> StorageSpec:
    if declared.backend != "local":
        raise StackError(
            f"there is no storage backend {declared.backend!r}", where=member.at(declared), hint="use local"
        )
    return StorageSpec(declared.name, declared.size, declared.backend, declared.replication or "", declared.active)
