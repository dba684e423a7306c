"""The stack: what a program declares, collected."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, Unpack, overload

from trellis_dsl.arguments import typed
from trellis_dsl.config import ConfigRef, service_name
from trellis_dsl.endpoints import ConnectionRef, EndpointRef
from trellis_dsl.errors import StackError
from trellis_dsl.location import Location, caller
from trellis_dsl.options import OPTIONS, RoleOptions, ServiceArguments, checked, service_options
from trellis_dsl.quantities import parse_bytes, parse_cpu
from trellis_dsl.service import Role, Service

T = TypeVar("T")
S = TypeVar("S", bound=Service)
R = TypeVar("R", bound=Role)

# A container's name is <stack>-<environment>-<service>-<index>; DNS labels end at 63 characters (RFC 1035).
_STACK_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CLASS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_LONGEST_NAME = 40

# Environments are data; a role named after one hides a difference that belongs there.
_ENVIRONMENT_WORDS = {
    "dev",
    "development",
    "test",
    "testing",
    "uat",
    "staging",
    "stage",
    "prod",
    "production",
}


def service(**arguments: Unpack[ServiceArguments]) -> Callable[[type[S]], type[S]]:
    """Describe a service class without adding it to a stack: for classes that a library ships.

    Args:
        arguments: see `ServiceArguments`.

    Raises:
        StackError: a name or an amount is not one.
    """
    location = caller()
    options = service_options(arguments, location)

    def describe(cls: type[S]) -> type[S]:
        _refuse_other_base(cls, Service, "service", location)
        _give_name(cls, arguments.get("name"), location)
        setattr(cls, OPTIONS, options)
        return cls

    return describe


class Stack:
    """A program's services and roles.

    Args:
        name: lower-case letters, digits and single hyphens, starting with a letter.
    """

    @typed()
    def __init__(self, name: str) -> None:
        self.location = caller()
        if not _STACK_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise StackError(
                f"{name!r} cannot be a stack's name",
                where=self.location,
                hint="use lower-case letters, digits and hyphens, such as my-shop, 40 characters at most",
            )
        self.name = name
        self.services: dict[type[Service], Location] = {}
        self.roles: dict[type[Role], tuple[RoleOptions, Location]] = {}
        self.settings: dict[ConfigRef[object], tuple[object, Location]] = {}
        self.links: dict[ConnectionRef, tuple[EndpointRef, Location]] = {}

    def service(self, **arguments: Unpack[ServiceArguments]) -> Callable[[type[S]], type[S]]:
        """Add a service class to the stack.

        Args:
            arguments: see `ServiceArguments`.
        """
        location = caller()
        describe = service(**arguments)

        def add(cls: type[S]) -> type[S]:
            described: type[S] = describe(cls)
            self.services[described] = location
            return described

        return add

    @overload
    def role(self, cls: type[R], /) -> type[R]: ...
    @overload
    def role(
        self,
        *,
        conflicts_with: type[Role] | Iterable[type[Role]] = ...,
        reserve_cpu: float | str = ...,
        reserve_memory: str | int = ...,
        reserve_disk: str | int = ...,
        name: str | None = ...,
    ) -> Callable[[type[R]], type[R]]: ...
    def role(
        self,
        cls: type[Any] | None = None,
        *,
        conflicts_with: type[Role] | Iterable[type[Role]] = (),
        reserve_cpu: float | str = 0,
        reserve_memory: str | int = 0,
        reserve_disk: str | int = 0,
        name: str | None = None,
    ) -> Any:
        """Add a role class to the stack; with or without arguments.

        Args:
            cls: the class, when used without arguments.
            conflicts_with: roles that no host may carry together with this one.
            reserve_cpu: cores that the role keeps free on each of its hosts.
            reserve_memory: likewise.
            reserve_disk: likewise.
            name: the role's name, for classes made in loops or by functions; else the class's.
        """
        conflicting = (conflicts_with,) if isinstance(conflicts_with, type) else tuple(conflicts_with)
        location = caller()
        options = RoleOptions(
            conflicting,
            checked("reserve_cpu", reserve_cpu, parse_cpu, location),
            checked("reserve_memory", reserve_memory, parse_bytes, location),
            checked("reserve_disk", reserve_disk, parse_bytes, location),
        )

        def add(role_class: type[R]) -> type[R]:
            _refuse_other_base(role_class, Role, "role", location)
            _give_name(role_class, name, location)
            refuse_environment_word(service_name(role_class), location)
            self.roles[role_class] = (options, location)
            return role_class

        return add if cls is None else add(cls)

    def set(self, key: ConfigRef[T], value: T) -> None:
        """Give a config value for every environment; an environment's own value still wins.

        Args:
            key: such as ``Website.workers``.
            value: of the declared type.
        """
        if not isinstance(key, ConfigRef):
            raise StackError(f"{key!r} is not a config value", where=caller(), hint="name it as Website.workers")
        self.settings[ConfigRef(key.owner, key.name)] = (value, caller())

    def connect(self, connection: ConnectionRef, endpoint: EndpointRef) -> None:
        """Say what a connection leads to, after both classes exist; it does not decide what starts first.

        Args:
            connection: such as ``Website.search``, declared as ``search = connects_to()``.
            endpoint: such as ``Search.http``.
        """
        self.links[connection] = (endpoint, caller())


def _give_name(cls: type, name: str | None, location: Location) -> None:
    chosen = name or cls.__name__
    refuse_bad_name(chosen, location)
    cls._trellis_name = chosen  # type: ignore[attr-defined]  # a private mark, read by service_name


def _refuse_other_base(cls: type, base: type, kind: str, location: Location) -> None:
    if not (isinstance(cls, type) and issubclass(cls, base)):
        name = getattr(cls, "__name__", repr(cls))
        raise StackError(f"{name} is not a {kind} class", where=location, hint=f"write class {name}({base.__name__}):")


def refuse_bad_name(name: str, location: Location | str) -> None:
    """Raise `StackError` when nothing can be called so."""
    if not _CLASS_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise StackError(
            f"{name!r} cannot be a name",
            where=location,
            hint="use ASCII letters, digits, - and _, starting with a letter, 40 characters at most; "
            'name="..." in the decorator gives another name than the class\'s',
        )


def refuse_environment_word(name: str, location: Location | str) -> None:
    """Raise `StackError` when a role is named after an environment."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    if words & _ENVIRONMENT_WORDS:
        raise StackError(
            f"role {name!r} is named after an environment",
            where=location,
            hint="roles are the same in every environment; what differs belongs in environments/<name>.yaml",
        )
